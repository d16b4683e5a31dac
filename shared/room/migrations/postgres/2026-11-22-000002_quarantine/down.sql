DROP TABLE quarantine;
DROP TABLE subject_likeness;
