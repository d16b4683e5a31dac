DROP TABLE room_closing;
DROP TABLE key_rotation;
DROP TABLE erasure_hold;
DROP TABLE erasure_record;
DROP TABLE erasure;
