DROP TABLE access_checkpoint;
DROP TABLE access_tile;
DROP TABLE access_log;
CREATE TABLE access_log (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
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
CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
