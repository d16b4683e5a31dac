-- Finds entries that may be of one person: the same kana, birth date and sex.  An entry that changes
-- is found by what it was, too.
CREATE TABLE subject_likeness (
    municipality TEXT NOT NULL,
    likeness_index BLOB NOT NULL,   -- HMAC-SHA-256 under the room's own index key
    subject_id BLOB NOT NULL,
    PRIMARY KEY (municipality, likeness_index, subject_id)
);

-- Rows that wait for a person to decide on them.  What was given is never changed; a decision is
-- added to it.
CREATE TABLE quarantine (
    municipality TEXT NOT NULL,
    id BLOB NOT NULL,
    origin TEXT NOT NULL,            -- import, capture
    origin_id BLOB NOT NULL,        -- of the file or the capture
    line BIGINT NOT NULL,            -- of the file
    row_index BLOB NOT NULL,        -- HMAC-SHA-256 of what was given: the same row is not asked about twice
    kind TEXT NOT NULL,              -- the first doubt, one of a closed list
    state TEXT NOT NULL,             -- staged, open, decided
    version INTEGER NOT NULL,        -- 1 until it is decided on
    subject_id BLOB,                -- whose row it is, if that is known
    sealed BLOB NOT NULL,           -- (encrypted) what was given, the doubts, the likely right answer
    created_at_unix_ms BIGINT NOT NULL,
    decided_by TEXT,
    decided_at_unix_ms BIGINT,
    decision TEXT,                   -- takeAsIs, takeLikely, takeCorrected, drop
    decision_sealed BLOB,           -- (encrypted) what was taken instead, or why it was dropped
    PRIMARY KEY (municipality, id)
);
CREATE UNIQUE INDEX quarantine_row ON quarantine (municipality, origin_id, row_index);
CREATE UNIQUE INDEX quarantine_once ON quarantine (municipality, row_index) WHERE state <> 'staged';
CREATE INDEX quarantine_state ON quarantine (municipality, state, id);
CREATE INDEX quarantine_subject ON quarantine (municipality, subject_id);
