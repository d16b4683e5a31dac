DROP TABLE operation_tile;
DROP TABLE operation_log;
DROP TABLE held_inquiry;
DROP TABLE provision;
DROP TABLE inquiry;
DROP TABLE vaccination;
DROP TABLE subject_number;
DROP TABLE subject;
