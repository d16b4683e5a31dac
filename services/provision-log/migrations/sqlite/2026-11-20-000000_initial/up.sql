-- Rows are added and read, never changed: the triggers below refuse it.

-- One outcome of one inquiry.  Holds nothing that tells a person: the commitment in the body is
-- salted, and the salt is with the two municipalities.
CREATE TABLE entry (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 0), -- index of the leaf; no gaps
    segment INTEGER NOT NULL,        -- month of the decision in Japan, as yyyymm
    inquiry BLOB NOT NULL,           -- UUID
    settled_inquiry BLOB CONSTRAINT entry_settled_inquiry UNIQUE, -- the inquiry, if this settles it
    permit BLOB NOT NULL CONSTRAINT entry_permit UNIQUE, -- UUID; each attempt has its own
    inquirer TEXT NOT NULL CHECK (length(inquirer) = 6),
    provider TEXT NOT NULL CHECK (length(provider) = 6),
    outcome TEXT NOT NULL CHECK (outcome IN ('provided', 'nothing', 'refused', 'failed')),
    decided_at_unix_ms BIGINT NOT NULL,
    body BLOB NOT NULL               -- the entry's JSON; SHA-256(0x00 || body) is the leaf
);
CREATE INDEX entry_by_inquirer ON entry (inquirer, seq);
CREATE INDEX entry_by_provider ON entry (provider, seq);

-- A full tile of the Merkle tree (c2sp.org/tlog-tiles).
CREATE TABLE tile (
    level SMALLINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BLOB NOT NULL CHECK (length(hashes) = 8192), -- 256 SHA-256 hashes
    PRIMARY KEY (level, idx)
);

-- What the log said about itself after each batch (c2sp.org/tlog-checkpoint).  The same size may be
-- signed again later.
CREATE TABLE checkpoint (
    size BIGINT NOT NULL CHECK (size >= 0),
    issued_at_unix_ms BIGINT NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL,              -- signed note: origin, size, root, signatures
    PRIMARY KEY (size, issued_at_unix_ms)
);

CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
CREATE TRIGGER entry_is_not_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
CREATE TRIGGER tile_is_not_changed BEFORE UPDATE ON tile
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
CREATE TRIGGER tile_is_not_deleted BEFORE DELETE ON tile
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
CREATE TRIGGER checkpoint_is_not_changed BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
CREATE TRIGGER checkpoint_is_not_deleted BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
