-- Who did what from where, with which result: a Merkle log.  Append only.
DROP TABLE access_log;
CREATE TABLE access_log (
    seq BIGINT NOT NULL PRIMARY KEY,           -- from 0, no gaps
    municipality TEXT,                         -- whom the line concerns, as the body says; 000000 is national operations
    body BYTEA NOT NULL,                       -- JSON; the leaf is SHA-256(0x00 || body)
    root BYTEA                                 -- on the last row of a group: the hash over the log so far
);
CREATE INDEX access_log_municipality ON access_log (municipality, seq);

-- Full tiles of 256 hashes of the log above.
CREATE TABLE access_tile (
    level SMALLINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    PRIMARY KEY (level, idx)
);

-- What the registry says about the log above, signed (c2sp.org/tlog-checkpoint).
CREATE TABLE access_checkpoint (
    size BIGINT NOT NULL PRIMARY KEY,
    issued_at_unix_ms BIGINT NOT NULL,
    note TEXT NOT NULL
);

GRANT SELECT, INSERT ON access_log, access_tile, access_checkpoint TO watari_registry;
