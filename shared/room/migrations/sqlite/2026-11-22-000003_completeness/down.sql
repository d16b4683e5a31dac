DROP TABLE completeness;
