DROP TABLE batch_row;
DROP TABLE batch_part;
DROP TABLE batch;
