-- A file on its way into the register, or to be compared with it.  The row stays for good, as the
-- record of who sent, checked and approved what; the file and all that was made of it do not.
CREATE TABLE import_file (
    municipality TEXT NOT NULL,
    id BLOB NOT NULL,               -- chosen by the sender
    purpose TEXT NOT NULL,           -- register, compare
    stage TEXT NOT NULL,             -- uploading, uploaded, checking, checked, refused, committed, discarded, expired
    total_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,            -- of the whole file
    wanted_layout TEXT,              -- what the sender expects
    next_part INTEGER NOT NULL,      -- parts before this one are here
    checked_bytes BIGINT NOT NULL,
    report TEXT NOT NULL,            -- JSON: layout, counts, reasons, lines and columns that differ
    preview TEXT,                    -- digest of exactly what would be written
    uploaded_by TEXT NOT NULL,
    uploaded_at_unix_ms BIGINT NOT NULL,
    checked_by TEXT,
    checked_at_unix_ms BIGINT,
    decided_by TEXT,
    decided_at_unix_ms BIGINT,
    erased_at_unix_ms BIGINT,        -- when the file and all that was made of it were deleted
    PRIMARY KEY (municipality, id)
);
CREATE INDEX import_file_time ON import_file (municipality, uploaded_at_unix_ms);

CREATE TABLE import_part (
    municipality TEXT NOT NULL,
    import_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    sealed BLOB NOT NULL,           -- (encrypted) the part's bytes
    PRIMARY KEY (municipality, import_id, part)
);

-- What approval would add to the register, sealed as the register will keep it.
CREATE TABLE import_subject (
    municipality TEXT NOT NULL,
    import_id BLOB NOT NULL,
    seq BIGINT NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,           -- (encrypted) as in subject
    number_index BLOB,              -- HMAC-SHA-256 under the room's own index key; only of somebody new
    number_sealed BLOB,             -- (encrypted) as in subject_number
    address_index BLOB,             -- HMAC-SHA-256 under the room's own index key; only of somebody new
    likeness_index BLOB NOT NULL,   -- HMAC-SHA-256 under the room's own index key; as in subject_likeness
    PRIMARY KEY (municipality, import_id, seq)
);

CREATE TABLE import_voucher (
    municipality TEXT NOT NULL,
    import_id BLOB NOT NULL,
    seq BIGINT NOT NULL,
    voucher_index BLOB NOT NULL,    -- HMAC-SHA-256 under the room's own index key
    dose_number INTEGER NOT NULL,
    subject_id BLOB NOT NULL,
    sealed BLOB NOT NULL,           -- (encrypted) as in voucher
    PRIMARY KEY (municipality, import_id, seq)
);

-- Always a dose that the register has not: what it has is never overwritten by a file.
CREATE TABLE import_vaccination (
    municipality TEXT NOT NULL,
    import_id BLOB NOT NULL,
    seq BIGINT NOT NULL,
    subject_id BLOB NOT NULL,
    id BLOB NOT NULL,
    sealed BLOB NOT NULL,           -- (encrypted) as in vaccination
    PRIMARY KEY (municipality, import_id, seq)
);

-- What is said about a file, line by line: for whoever has sent it.
CREATE TABLE import_finding (
    municipality TEXT NOT NULL,
    import_id BLOB NOT NULL,
    seq BIGINT NOT NULL,
    line BIGINT,                     -- absent for what the file lacks
    column_name TEXT,                -- of the published layout; absent where it is the line as a whole
    reason TEXT NOT NULL,            -- one of a closed list
    about BLOB,                     -- handle of the person or dose that the file lacks
    PRIMARY KEY (municipality, import_id, seq)
);
