-- Finds entries that may be of one person: the same kana, birth date and sex.  An entry that changes
-- is found by what it was, too.
CREATE TABLE subject_likeness (
    municipality TEXT NOT NULL,
    likeness_index BYTEA NOT NULL,   -- HMAC-SHA-256 under the room's own index key
    subject_id BYTEA NOT NULL,
    PRIMARY KEY (municipality, likeness_index, subject_id)
);

-- Rows that wait for a person to decide on them.  What was given is never changed; a decision is
-- added to it.
CREATE TABLE quarantine (
    municipality TEXT NOT NULL,
    id BYTEA NOT NULL,
    origin TEXT NOT NULL,            -- import, capture
    origin_id BYTEA NOT NULL,        -- of the file or the capture
    line BIGINT NOT NULL,            -- of the file
    row_index BYTEA NOT NULL,        -- HMAC-SHA-256 of what was given: the same row is not asked about twice
    kind TEXT NOT NULL,              -- the first doubt, one of a closed list
    state TEXT NOT NULL,             -- staged, open, decided
    version INTEGER NOT NULL,        -- 1 until it is decided on
    subject_id BYTEA,                -- whose row it is, if that is known
    sealed BYTEA NOT NULL,           -- (encrypted) what was given, the doubts, the likely right answer
    created_at_unix_ms BIGINT NOT NULL,
    decided_by TEXT,
    decided_at_unix_ms BIGINT,
    decision TEXT,                   -- takeAsIs, takeLikely, takeCorrected, drop
    decision_sealed BYTEA,           -- (encrypted) what was taken instead, or why it was dropped
    PRIMARY KEY (municipality, id)
);
CREATE UNIQUE INDEX quarantine_row ON quarantine (municipality, origin_id, row_index);
CREATE UNIQUE INDEX quarantine_once ON quarantine (municipality, row_index) WHERE state <> 'staged';
CREATE INDEX quarantine_state ON quarantine (municipality, state, id);
CREATE INDEX quarantine_subject ON quarantine (municipality, subject_id);

ALTER TABLE subject_likeness ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON subject_likeness USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));
ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON quarantine USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));

-- Deleted are persons who are erased, and rows of files that were thrown away.
GRANT SELECT, INSERT, DELETE ON subject_likeness, quarantine TO watari_partition;
-- Sealed anew under a new data key; what was given stays as it is.
GRANT UPDATE (sealed, state, version, decided_by, decided_at_unix_ms, decision, decision_sealed) ON quarantine TO watari_partition;
