DROP TABLE directory_state;
DROP TABLE access_log;
DROP TABLE session;
DROP TABLE operator;
DROP TABLE terminal;
DROP TABLE token_key;
DROP TABLE municipality_key;
DROP TABLE municipality;
