-- Who did what from where, with which result: a Merkle log.  Append only.
DROP TABLE access_log;
CREATE TABLE access_log (
    seq INTEGER NOT NULL PRIMARY KEY,          -- from 0, no gaps
    municipality TEXT,                         -- whom the line concerns, as the body says; 000000 is national operations
    body BLOB NOT NULL,                        -- JSON; the leaf is SHA-256(0x00 || body)
    root BLOB                                  -- on the last row of a group: the hash over the log so far
);
CREATE INDEX access_log_municipality ON access_log (municipality, seq);

-- Full tiles of 256 hashes of the log above.
CREATE TABLE access_tile (
    level SMALLINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, idx)
);

-- What the registry says about the log above, signed (c2sp.org/tlog-checkpoint).
CREATE TABLE access_checkpoint (
    size INTEGER NOT NULL PRIMARY KEY,
    issued_at_unix_ms BIGINT NOT NULL,
    note TEXT NOT NULL
);

-- SQLite has no roles; triggers say what the grants say on PostgreSQL.
CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_tile_no_update BEFORE UPDATE ON access_tile
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_tile_no_delete BEFORE DELETE ON access_tile
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_checkpoint_no_update BEFORE UPDATE ON access_checkpoint
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_checkpoint_no_delete BEFORE DELETE ON access_checkpoint
BEGIN SELECT RAISE(ABORT, 'append only'); END;
