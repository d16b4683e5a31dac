REVOKE DELETE ON capture_done FROM watari_partition;
DROP TABLE exported_page;
DROP INDEX quarantine_taken;
ALTER TABLE quarantine DROP COLUMN taken_for;
