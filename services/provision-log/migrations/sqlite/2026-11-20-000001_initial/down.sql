DROP TABLE cosigned;
DROP TABLE checkpoint;
DROP TABLE tile;
DROP TABLE entry;
DROP TABLE leaf;
