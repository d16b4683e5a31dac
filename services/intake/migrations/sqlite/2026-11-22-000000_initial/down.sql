DROP TABLE capture;
DROP TABLE device;
