DROP TABLE checkpoint;
DROP TABLE tile;
DROP TABLE entry;
