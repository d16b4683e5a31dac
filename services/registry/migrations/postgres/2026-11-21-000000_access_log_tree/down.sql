DROP TABLE access_checkpoint;
DROP TABLE access_tile;
DROP TABLE access_log;
CREATE TABLE access_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    operator TEXT,
    service TEXT,
    municipality TEXT,
    terminal TEXT,
    action TEXT NOT NULL,
    object TEXT,
    result TEXT NOT NULL,
    request TEXT NOT NULL
);
GRANT SELECT, INSERT ON access_log TO watari_registry;
