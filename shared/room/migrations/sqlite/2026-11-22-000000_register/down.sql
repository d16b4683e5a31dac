DROP TABLE voucher;
DROP TABLE subject_address;
