-- Rows are added and read, never changed: the triggers below refuse it.  Bodies leave by the owner's
-- hand alone, a month at a time, when an order in the log says so.

-- The leaf of every entry; stays for ever, so that everything that was proven can still be proven.
CREATE TABLE leaf (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 0), -- index of the leaf; no gaps
    hash BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256(0x00 || body)
    permit_digest BLOB CONSTRAINT leaf_permit_digest UNIQUE, -- of the permit's UUID, or of the order's
    settled_digest BLOB CONSTRAINT leaf_settled_digest UNIQUE -- of the inquiry's UUID, if this settles it
);

-- What a leaf was made of: one outcome of one inquiry, or an order.  Holds nothing that tells a
-- person: the commitment in the body is salted, and the salt is with the two municipalities.
CREATE TABLE entry (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 0), -- index of the leaf
    segment INTEGER NOT NULL,        -- month in Japan in which it was logged, as yyyymm
    act TEXT NOT NULL CHECK (act IN ('outcome', 'order')),
    inquirer TEXT CHECK (length(inquirer) = 6), -- of an outcome
    provider TEXT CHECK (length(provider) = 6), -- of an outcome
    body BLOB NOT NULL               -- JSON (docs/LOG_FORMAT.md, section 2)
);
CREATE INDEX entry_by_segment ON entry (segment);
CREATE INDEX entry_by_inquirer ON entry (inquirer, seq);
CREATE INDEX entry_by_provider ON entry (provider, seq);
CREATE INDEX entry_of_orders ON entry (seq) WHERE act = 'order';

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

-- Checkpoints under which witnesses put their names, one every few minutes.
CREATE TABLE cosigned (
    size BIGINT NOT NULL CHECK (size >= 0),
    cosigned_at_unix_ms BIGINT NOT NULL,
    note TEXT NOT NULL,              -- the checkpoint with the witnesses' cosignatures
    PRIMARY KEY (size, cosigned_at_unix_ms)
);

CREATE TRIGGER leaf_is_not_changed BEFORE UPDATE ON leaf
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
CREATE TRIGGER leaf_is_not_deleted BEFORE DELETE ON leaf
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
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
CREATE TRIGGER cosigned_is_not_changed BEFORE UPDATE ON cosigned
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
CREATE TRIGGER cosigned_is_not_deleted BEFORE DELETE ON cosigned
BEGIN SELECT RAISE(ABORT, 'the provision log is append-only'); END;
