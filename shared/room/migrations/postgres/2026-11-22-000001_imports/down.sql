DROP TABLE import_finding;
DROP TABLE import_vaccination;
DROP TABLE import_voucher;
DROP TABLE import_subject;
DROP TABLE import_part;
DROP TABLE import_file;
