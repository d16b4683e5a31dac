-- A venue device as its municipality's partition told; a name is given once, a revocation is final.
CREATE TABLE device (
    municipality TEXT NOT NULL CHECK (length(municipality) = 6),
    name TEXT NOT NULL,
    thumbprint BLOB NOT NULL CHECK (length(thumbprint) = 32), -- SHA-256 of its certificate
    revoked BOOLEAN NOT NULL,
    PRIMARY KEY (municipality, name)
);

-- A dose on its way from a venue to the municipality's partition, which takes it away.
CREATE TABLE capture (
    municipality TEXT NOT NULL CHECK (length(municipality) = 6),
    device TEXT NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16), -- UUID made by the device
    seq BIGINT NOT NULL,            -- order of arrival
    sealed BLOB NOT NULL,            -- (encrypted) to the municipality; nobody here can open it
    received_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, device, id)
);
CREATE INDEX capture_by_arrival ON capture (municipality, seq);
