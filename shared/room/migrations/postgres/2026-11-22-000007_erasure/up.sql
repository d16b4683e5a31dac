-- What is to be erased, shown before it happens; two persons decide.
CREATE TABLE erasure (
    municipality TEXT NOT NULL,
    id BYTEA NOT NULL,               -- chosen by whoever proposes
    state TEXT NOT NULL,             -- proposed, confirmed, erased, void
    reason TEXT NOT NULL,            -- one of a closed list
    scope TEXT NOT NULL,             -- JSON: handles of persons or doses, or the class that expired
    digest BYTEA NOT NULL,           -- over exactly the rows that were shown
    tables TEXT NOT NULL,            -- JSON: rows and digest of each table
    proposed_by TEXT NOT NULL,       -- a supervisor, or the retention job
    first_person TEXT,               -- the first of the two; the proposer, unless a job proposed
    second_person TEXT,
    proposed_at_unix_ms BIGINT NOT NULL,
    ended_at_unix_ms BIGINT,
    PRIMARY KEY (municipality, id)
);
CREATE INDEX erasure_time ON erasure (municipality, proposed_at_unix_ms);

-- What was erased, for good.
CREATE TABLE erasure_record (
    municipality TEXT NOT NULL,
    erasure_id BYTEA NOT NULL,
    body BYTEA NOT NULL,             -- JSON; its digest stands in the operation log
    erased_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, erasure_id)
);

-- What must not be erased: a person, or a class of records.
CREATE TABLE erasure_hold (
    municipality TEXT NOT NULL,
    id BYTEA NOT NULL,
    subject_id BYTEA,
    class TEXT,
    reason TEXT NOT NULL,            -- one of a closed list
    held_by TEXT NOT NULL,
    held_at_unix_ms BIGINT NOT NULL,
    lifted_by TEXT,
    lifted_at_unix_ms BIGINT,
    PRIMARY KEY (municipality, id),
    CHECK ((subject_id IS NULL) <> (class IS NULL))
);

-- New data keys of the room.
CREATE TABLE key_rotation (
    municipality TEXT NOT NULL,
    id BYTEA NOT NULL,
    former_key INTEGER NOT NULL,     -- number of the newest key when it began
    state TEXT NOT NULL,             -- resealing, resealed, done
    resealed BIGINT NOT NULL,        -- cells sealed anew
    begun_by TEXT NOT NULL,
    begun_at_unix_ms BIGINT NOT NULL,
    done_at_unix_ms BIGINT,
    PRIMARY KEY (municipality, id)
);

-- The end of the room.
CREATE TABLE room_closing (
    municipality TEXT NOT NULL,
    id BYTEA NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at_unix_ms BIGINT NOT NULL,
    approved_by TEXT,
    approved_at_unix_ms BIGINT,
    slip TEXT,                       -- signed by the room before its keys go
    PRIMARY KEY (municipality, id)
);

ALTER TABLE erasure ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON erasure USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));
ALTER TABLE erasure_record ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON erasure_record USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));
ALTER TABLE erasure_hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON erasure_hold USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));
ALTER TABLE key_rotation ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON key_rotation USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));
ALTER TABLE room_closing ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON room_closing USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));

GRANT SELECT, INSERT ON erasure, erasure_record, erasure_hold, key_rotation, room_closing TO watari_partition;
GRANT UPDATE (state, first_person, second_person, ended_at_unix_ms) ON erasure TO watari_partition;
GRANT UPDATE (lifted_by, lifted_at_unix_ms) ON erasure_hold TO watari_partition;
GRANT UPDATE (state, resealed, done_at_unix_ms) ON key_rotation TO watari_partition;
GRANT UPDATE (approved_by, approved_at_unix_ms, slip) ON room_closing TO watari_partition;
