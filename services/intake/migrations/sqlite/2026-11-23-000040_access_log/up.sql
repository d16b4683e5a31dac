-- One line for each request: who, when, what, how it ended.  Append only.
CREATE TABLE access_log (
    seq BIGINT NOT NULL PRIMARY KEY, -- from 1, no gaps
    at_unix_ms BIGINT NOT NULL,
    municipality TEXT,               -- the caller's, if it has one
    caller TEXT,                     -- device, service or other machine as its certificate names it
    act TEXT NOT NULL,               -- what was asked for, in the policy's words
    kept INTEGER NOT NULL,           -- captures that were kept
    refused INTEGER NOT NULL,        -- captures that were not, each with its reason in the answer
    result TEXT NOT NULL,            -- done, or the code of a problem
    request TEXT NOT NULL            -- request id, the same in every service
);

-- SQLite has no roles; triggers say what the grants say on PostgreSQL.
CREATE TRIGGER access_log_no_update BEFORE UPDATE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER access_log_no_delete BEFORE DELETE ON access_log
BEGIN SELECT RAISE(ABORT, 'append only'); END;
