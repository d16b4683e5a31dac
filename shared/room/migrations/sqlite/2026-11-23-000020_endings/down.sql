DROP TABLE exported_page;
DROP INDEX quarantine_taken;
ALTER TABLE quarantine DROP COLUMN taken_for;
