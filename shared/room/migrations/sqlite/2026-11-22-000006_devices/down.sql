DROP TABLE capture_done;
DROP TABLE device;
