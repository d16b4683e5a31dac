-- Who takes part.  One room each, hosted by one partition instance.
CREATE TABLE municipality (
    municipality TEXT NOT NULL PRIMARY KEY,    -- municipality code, six digits
    host TEXT NOT NULL,                        -- partition instance, as its certificate names it
    url TEXT NOT NULL,                         -- where that instance is reached
    registered_at_ms BIGINT NOT NULL
);

-- Public keys of the rooms.  Rows stay after their time, so that a number is never used twice.
CREATE TABLE municipality_key (
    municipality TEXT NOT NULL REFERENCES municipality (municipality),
    purpose TEXT NOT NULL CHECK (purpose IN ('sealing', 'signing')),
    key_id BIGINT NOT NULL,
    public_key BLOB NOT NULL,
    not_before_unix_s BIGINT NOT NULL,
    not_after_unix_s BIGINT NOT NULL,
    PRIMARY KEY (municipality, purpose, key_id)
);

-- Public keys that verify log-in tokens.
CREATE TABLE token_key (
    key_id BIGINT NOT NULL PRIMARY KEY,
    public_key BLOB NOT NULL,
    not_before_unix_s BIGINT NOT NULL,
    not_after_unix_s BIGINT NOT NULL
);

-- Machines with a client certificate; 000000 is national operations.
CREATE TABLE terminal (
    municipality TEXT NOT NULL,
    id TEXT NOT NULL,                          -- terminal id, as its certificate names it
    thumbprint BLOB NOT NULL,                 -- SHA-256 of the certificate
    registered_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT,
    PRIMARY KEY (municipality, id)
);

-- Persons registered with the nation beforehand, under pseudonymous ids.
CREATE TABLE operator (
    id TEXT NOT NULL PRIMARY KEY,              -- operator id
    municipality TEXT NOT NULL,                -- 000000 is national operations
    role TEXT NOT NULL CHECK (role IN ('clerk', 'supervisor', 'national')),
    password_hash TEXT NOT NULL,               -- Argon2id, PHC text
    registered_at_ms BIGINT NOT NULL,
    suspended_at_ms BIGINT,
    last_log_in_at_ms BIGINT,
    CONSTRAINT operator_role CHECK ((role = 'national') = (municipality = '000000'))
);

-- Log-ins whose token may still count.
CREATE TABLE session (
    id BLOB NOT NULL PRIMARY KEY,             -- uuid, the token's jti
    operator TEXT NOT NULL REFERENCES operator (id),
    municipality TEXT NOT NULL,
    terminal TEXT NOT NULL,
    begun_at_ms BIGINT NOT NULL,
    expires_at_unix_s BIGINT NOT NULL,
    ended_at_ms BIGINT
);
CREATE INDEX session_expiry ON session (expires_at_unix_s);
CREATE INDEX session_operator ON session (operator);

-- Who did what from where, with which result.  Append only.
CREATE TABLE access_log (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at_ms BIGINT NOT NULL,
    operator TEXT,                             -- operator id, only if it is a registered one
    service TEXT,                              -- or the service that acted, kind/instance
    municipality TEXT,                         -- the actor's
    terminal TEXT,                             -- the actor's
    action TEXT NOT NULL,
    object TEXT,                               -- id of what was registered or changed
    result TEXT NOT NULL,
    request TEXT NOT NULL                      -- request id, the same in every service
);

-- One row: the directory's sequence.  Whoever changes anything updates it first, as a lock.
CREATE TABLE directory_state (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL
);
INSERT INTO directory_state (id, sequence) VALUES (1, 1);

-- SQLite has no roles; triggers say what the grants say on PostgreSQL.
CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
