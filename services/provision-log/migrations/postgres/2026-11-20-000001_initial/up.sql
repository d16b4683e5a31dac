-- Rows are added and read, never changed: the service's role may do nothing else.  Bodies leave by
-- the owner's hand alone, a month at a time, when an order in the log says so.

-- The leaf of every entry; stays for ever, so that everything that was proven can still be proven.
CREATE TABLE leaf (
    seq BIGINT NOT NULL PRIMARY KEY CHECK (seq >= 0), -- index of the leaf; no gaps
    hash BYTEA NOT NULL CHECK (length(hash) = 32), -- SHA-256(0x00 || body)
    permit_digest BYTEA CONSTRAINT leaf_permit_digest UNIQUE, -- of the permit's UUID, or of the order's
    settled_digest BYTEA CONSTRAINT leaf_settled_digest UNIQUE -- of the inquiry's UUID, if this settles it
);

-- What a leaf was made of: one outcome of one inquiry, or an order.  Holds nothing that tells a
-- person: the commitment in the body is salted, and the salt is with the two municipalities.
CREATE TABLE entry (
    seq BIGINT NOT NULL CHECK (seq >= 0), -- index of the leaf
    segment INTEGER NOT NULL,        -- month in Japan in which it was logged, as yyyymm
    act TEXT NOT NULL CHECK (act IN ('outcome', 'order')),
    inquirer TEXT CHECK (length(inquirer) = 6), -- of an outcome
    provider TEXT CHECK (length(provider) = 6), -- of an outcome
    body BYTEA NOT NULL,             -- JSON (docs/LOG_FORMAT.md, section 2)
    PRIMARY KEY (seq, segment)
) PARTITION BY LIST (segment);
CREATE INDEX entry_by_inquirer ON entry (inquirer, seq);
CREATE INDEX entry_by_provider ON entry (provider, seq);
CREATE INDEX entry_of_orders ON entry (seq) WHERE act = 'order';

-- A full tile of the Merkle tree (c2sp.org/tlog-tiles).
CREATE TABLE tile (
    level SMALLINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL CHECK (length(hashes) = 8192), -- 256 SHA-256 hashes
    PRIMARY KEY (level, idx)
);

-- What the log said about itself after each batch (c2sp.org/tlog-checkpoint).  The same size may be
-- signed again later.
CREATE TABLE checkpoint (
    size BIGINT NOT NULL CHECK (size >= 0),
    issued_at_unix_ms BIGINT NOT NULL,
    root BYTEA NOT NULL CHECK (length(root) = 32),
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

-- Makes room for a month.  The service may call it and so needs no right to make tables; the new
-- table is the owner's, and the service reaches it through `entry` alone.  Attached, not made as a
-- part: that would wait for everybody who reads, and let nobody read meanwhile.
CREATE FUNCTION open_segment(month INTEGER) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF month IS NULL OR month NOT BETWEEN 200001 AND 299912 OR month % 100 NOT BETWEEN 1 AND 12 THEN
        RAISE EXCEPTION 'a segment is a month, yyyymm';
    END IF;
    IF to_regclass(format('public.entry_%s', month)) IS NULL THEN
        PERFORM pg_advisory_xact_lock(2021041204);
    END IF;
    IF to_regclass(format('public.entry_%s', month)) IS NULL THEN
        EXECUTE format('CREATE TABLE public.entry_%s (LIKE public.entry INCLUDING CONSTRAINTS)', month);
        EXECUTE format('ALTER TABLE public.entry ATTACH PARTITION public.entry_%s FOR VALUES IN (%s)', month, month);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION open_segment(INTEGER) FROM PUBLIC;
REVOKE ALL ON leaf, entry, tile, checkpoint, cosigned FROM PUBLIC;

GRANT EXECUTE ON FUNCTION open_segment(INTEGER) TO watari_provision_log;
GRANT SELECT, INSERT ON leaf, entry, tile, checkpoint, cosigned TO watari_provision_log;
