-- A device at a venue; its name is given once.
CREATE TABLE device (
    municipality TEXT NOT NULL,
    name TEXT NOT NULL,
    thumbprint BLOB NOT NULL CHECK (length(thumbprint) = 32), -- SHA-256 of its certificate
    verifying_key BLOB NOT NULL CHECK (length(verifying_key) = 32), -- Ed25519, public
    registered_at_unix_ms BIGINT NOT NULL,
    revoked_at_unix_ms BIGINT,
    told BOOLEAN NOT NULL,           -- whether the intake knows this row as it is
    PRIMARY KEY (municipality, name)
);

-- A capture that was dealt with: the same one may come again.
CREATE TABLE capture_done (
    municipality TEXT NOT NULL,
    device TEXT NOT NULL,
    id BLOB NOT NULL,
    result TEXT NOT NULL,            -- registered, known, quarantined, unreadable, device-revoked
    done_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, id, device)
);
