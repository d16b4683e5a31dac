-- Whose record a doubtful row became: it is erased with that person, whoever was named in it first.
ALTER TABLE quarantine ADD COLUMN taken_for BLOB;
CREATE INDEX quarantine_taken ON quarantine (municipality, taken_for);

-- Pages of the newest export of each content: a room is closed only when all of it was taken along.
CREATE TABLE exported_page (
    municipality TEXT NOT NULL,
    content TEXT NOT NULL,           -- subjects, doses
    operations BIGINT NOT NULL,      -- length of the operation log at the moment the export tells of
    after_subject BLOB NOT NULL,    -- the last person of the page before; empty on the first
    next_subject BLOB,              -- the last person of this page, if more follow
    row_count BIGINT NOT NULL,
    sha256 BLOB NOT NULL,           -- of the page
    PRIMARY KEY (municipality, content, operations, after_subject)
);
