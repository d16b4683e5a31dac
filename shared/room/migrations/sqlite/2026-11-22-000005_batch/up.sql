-- Many inquiries in one file (一括照会).
CREATE TABLE batch (
    municipality TEXT NOT NULL,
    id BLOB NOT NULL,
    operator TEXT NOT NULL,
    operator_role TEXT NOT NULL,
    terminal TEXT NOT NULL,
    procedure TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    confirmation TEXT NOT NULL,
    total_bytes BIGINT NOT NULL,
    sha256 BLOB NOT NULL,
    state TEXT NOT NULL,             -- uploading, checked, running, stopped, done, cancelled, expired
    stopped_because TEXT,            -- code of a problem
    rows BIGINT NOT NULL,
    bad_rows BIGINT NOT NULL,
    staged_rows BIGINT NOT NULL,     -- rows up to this one are in batch_row
    created_at_unix_ms BIGINT NOT NULL,
    started_at_unix_ms BIGINT,
    finished_at_unix_ms BIGINT,
    expires_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
);

-- A piece of the uploaded file; deleted when every row is in batch_row.
CREATE TABLE batch_part (
    municipality TEXT NOT NULL,
    batch_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    bytes BIGINT NOT NULL,
    sealed BLOB NOT NULL,           -- (encrypted) bytes of the file
    PRIMARY KEY (municipality, batch_id, part)
);

-- A row of the file and how its inquiry ended; deleted when the batch expires.
CREATE TABLE batch_row (
    municipality TEXT NOT NULL,
    batch_id BLOB NOT NULL,
    row INTEGER NOT NULL,            -- 1 is the first after the header
    provider TEXT,                   -- whom to ask; absent where the row can't be used
    inquiry_id BLOB,                -- given once, before anything is asked
    state TEXT NOT NULL,             -- waiting, provided, nothing, notInRegister, refused, badRow
    reason TEXT,                     -- code of a problem
    file_column TEXT,                -- which cell can't be used
    question_sealed BLOB,           -- (encrypted) individual number, address number, reference
    answer_sealed BLOB,             -- (encrypted) the doses received
    PRIMARY KEY (municipality, batch_id, row)
);
CREATE INDEX batch_row_waiting ON batch_row (municipality, batch_id, provider, row) WHERE state = 'waiting';
