DROP TABLE promise;
DROP TABLE note;
DROP TABLE counter;
