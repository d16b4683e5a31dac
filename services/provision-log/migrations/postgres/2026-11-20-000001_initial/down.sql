DROP FUNCTION open_segment(INTEGER);
DROP TABLE cosigned;
DROP TABLE checkpoint;
DROP TABLE tile;
DROP TABLE entry;
DROP TABLE leaf;
