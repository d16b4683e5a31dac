-- Whose record a doubtful row became: it is erased with that person, whoever was named in it first.
ALTER TABLE quarantine ADD COLUMN taken_for BYTEA;
CREATE INDEX quarantine_taken ON quarantine (municipality, taken_for);

-- Pages of the newest export of each content: a room is closed only when all of it was taken along.
CREATE TABLE exported_page (
    municipality TEXT NOT NULL,
    content TEXT NOT NULL,           -- subjects, doses
    operations BIGINT NOT NULL,      -- length of the operation log at the moment the export tells of
    after_subject BYTEA NOT NULL,   -- the last person of the page before; empty on the first
    next_subject BYTEA,              -- the last person of this page, if more follow
    row_count BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,           -- of the page
    PRIMARY KEY (municipality, content, operations, after_subject)
);

ALTER TABLE exported_page ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON exported_page USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));

GRANT SELECT, INSERT, DELETE ON exported_page TO watari_partition;
GRANT UPDATE (taken_for) ON quarantine TO watari_partition;
-- What nobody needs any more, after its time.
GRANT DELETE ON capture_done TO watari_partition;
