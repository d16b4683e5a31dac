-- What is said to other municipalities after an inquiry has ended: that a dose they received was
-- corrected or withdrawn, or what two persons released.
CREATE TABLE notice_out (
    municipality TEXT NOT NULL,
    id BLOB NOT NULL,
    origin BLOB NOT NULL,             -- the one change that all notices of it tell of, in every room
    recipient TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    kind TEXT NOT NULL,             -- corrected, released
    inquiry_id BLOB,                  -- by which the recipient received the dose; absent until the log says so
    state TEXT NOT NULL,            -- queued, logged, delivered, void
    sealed BLOB NOT NULL,             -- (encrypted) what is said, with the salt
    queued_at_unix_ms BIGINT NOT NULL,
    next_try_at_unix_ms BIGINT NOT NULL,
    tries INTEGER NOT NULL,
    log_index BIGINT,
    receipt_sealed BLOB,              -- (encrypted) proof of the log entry
    PRIMARY KEY (municipality, id)
);
CREATE UNIQUE INDEX notice_out_once ON notice_out (municipality, origin, recipient);
CREATE INDEX notice_out_due ON notice_out (municipality, next_try_at_unix_ms) WHERE state = 'queued' OR state = 'logged';
CREATE INDEX notice_out_subject ON notice_out (municipality, subject_id);

-- What other municipalities said.
CREATE TABLE notice_in (
    municipality TEXT NOT NULL,
    id BLOB NOT NULL,
    origin BLOB NOT NULL,             -- the change that it tells of; it may come by several ways
    sender TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    kind TEXT NOT NULL,             -- corrected, released
    inquiry_id BLOB NOT NULL,         -- by which this room had asked
    state TEXT NOT NULL,            -- open, adopted, seen, kept, superseded, again
    sealed BLOB NOT NULL,             -- (encrypted) what is said, with the salt
    log_index BIGINT NOT NULL,
    receipt_sealed BLOB NOT NULL,     -- (encrypted) proof of the log entry
    received_at_unix_ms BIGINT NOT NULL,
    decided_by TEXT,
    decided_at_unix_ms BIGINT,
    PRIMARY KEY (municipality, id)
);
CREATE INDEX notice_in_time ON notice_in (municipality, received_at_unix_ms, id);
CREATE INDEX notice_in_subject ON notice_in (municipality, subject_id);

-- A notice is committed to with the person's number, as every entry of the provision log.
CREATE INDEX subject_number_subject ON subject_number (municipality, subject_id);

-- What people did about an inquiry that is held.
ALTER TABLE held_inquiry ADD COLUMN procedure TEXT NOT NULL DEFAULT '';
ALTER TABLE held_inquiry ADD COLUMN legal_basis TEXT NOT NULL DEFAULT '';
ALTER TABLE held_inquiry ADD COLUMN state TEXT NOT NULL DEFAULT 'pending'; -- pending, released, refused, timedOut
ALTER TABLE held_inquiry ADD COLUMN proposal_sealed BLOB; -- (encrypted) digest of what the first person wants to release
ALTER TABLE held_inquiry ADD COLUMN proposed_by TEXT;
ALTER TABLE held_inquiry ADD COLUMN proposed_at_unix_ms BIGINT;
ALTER TABLE held_inquiry ADD COLUMN decided_by TEXT;
ALTER TABLE held_inquiry ADD COLUMN decided_at_unix_ms BIGINT;
CREATE INDEX held_inquiry_pending ON held_inquiry (municipality, held_at_unix_ms) WHERE state = 'pending';
