DROP TABLE fenced_off;
DROP TABLE promise;
DROP TABLE note;
DROP TABLE counter;
