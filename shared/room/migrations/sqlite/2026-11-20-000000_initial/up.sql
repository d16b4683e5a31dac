-- One room per municipality: the municipality is the first column of every key.
-- "(encrypted)" is AES-256-GCM under the room's own data key, bound to municipality, table, column,
-- row and version.

-- A person in the register.  A change is a new version; nothing is overwritten.
CREATE TABLE subject (
    municipality TEXT NOT NULL,
    id BLOB NOT NULL,               -- handle, random, meaningless outside the room
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,           -- (encrypted) address number, names, birth date, sex, flags
    created_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, id, version)
);

-- The individual number apart from everything else.
CREATE TABLE subject_number (
    municipality TEXT NOT NULL,
    number_index BLOB NOT NULL,     -- HMAC-SHA-256 under the room's own index key
    subject_id BLOB NOT NULL,
    number_sealed BLOB NOT NULL,    -- (encrypted) individual number
    PRIMARY KEY (municipality, number_index)
);

-- One version of one dose.
CREATE TABLE vaccination (
    municipality TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,           -- (encrypted) the dose and where it came from
    created_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, subject_id, id, version)
);

-- What this room asked others.
CREATE TABLE inquiry (
    municipality TEXT NOT NULL,
    id BLOB NOT NULL,
    subject_id BLOB NOT NULL,
    provider TEXT NOT NULL,
    procedure TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    confirmation TEXT NOT NULL,
    operator TEXT NOT NULL,         -- who asked first; a retry is that person's
    terminal TEXT NOT NULL,
    state TEXT NOT NULL,            -- begun, provided, nothing, expired
    begun_at_unix_ms BIGINT NOT NULL,
    answered_at_unix_ms BIGINT,
    expires_at_unix_ms BIGINT,
    log_index BIGINT,
    answer_sealed BLOB,             -- (encrypted) the answer; deleted after its time
    receipt_sealed BLOB,            -- (encrypted) salt and proof of the log entry; stays
    PRIMARY KEY (municipality, id)
);
CREATE INDEX inquiry_expiry ON inquiry (municipality, expires_at_unix_ms) WHERE answer_sealed IS NOT NULL;

-- What this room provided to others.
CREATE TABLE provision (
    municipality TEXT NOT NULL,
    inquiry_id BLOB NOT NULL,
    inquirer TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    permit_id TEXT NOT NULL,
    content_sealed BLOB NOT NULL,   -- (encrypted) exactly what was provided, with the salt
    provided_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, inquiry_id)
);
CREATE INDEX provision_time ON provision (municipality, provided_at_unix_ms, inquiry_id);

-- Inquiries about withheld persons, waiting for people to decide.
CREATE TABLE held_inquiry (
    municipality TEXT NOT NULL,
    inquiry_id BLOB NOT NULL,
    inquirer TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    held_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, inquiry_id)
);

-- Who did what; a Merkle log per room.  The last row of each group carries the root after it.
CREATE TABLE operation_log (
    municipality TEXT NOT NULL,
    seq BIGINT NOT NULL,
    body BLOB NOT NULL,             -- JSON; the leaf is SHA-256(0x00 || body)
    root BLOB,
    PRIMARY KEY (municipality, seq)
);

-- Full tiles of 256 hashes of the log above.
CREATE TABLE operation_tile (
    municipality TEXT NOT NULL,
    level SMALLINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (municipality, level, idx)
);

CREATE TRIGGER operation_log_keeps BEFORE UPDATE ON operation_log BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER operation_log_stays BEFORE DELETE ON operation_log BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER operation_tile_keeps BEFORE UPDATE ON operation_tile BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER operation_tile_stays BEFORE DELETE ON operation_tile BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER provision_keeps BEFORE UPDATE ON provision BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER provision_stays BEFORE DELETE ON provision BEGIN SELECT RAISE(ABORT, 'append only'); END;
