-- The newest checkpoint of the provision log that this room has seen grow: a witness's whole memory.
CREATE TABLE witness_state (
    municipality TEXT NOT NULL,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,              -- signed note of the provision log
    seen_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality)
);

-- Two checkpoints, both signed by the log, of which neither continues the other.
CREATE TABLE witness_evidence (
    municipality TEXT NOT NULL,
    seen_at_unix_ms BIGINT NOT NULL,
    known_note TEXT NOT NULL,
    seen_note TEXT NOT NULL,
    PRIMARY KEY (municipality, seen_at_unix_ms)
);

-- How far the room's own records have been compared with the provision log.
CREATE TABLE reconciliation (
    municipality TEXT NOT NULL,
    next_index BIGINT NOT NULL,
    reconciled_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality)
);

-- A record that the room or the log has alone.  Stays, with the time at which the other side came.
CREATE TABLE one_sided (
    municipality TEXT NOT NULL,
    inquiry_id BLOB NOT NULL,
    side TEXT NOT NULL,
    log_index BIGINT,
    found_at_unix_ms BIGINT NOT NULL,
    resolved_at_unix_ms BIGINT,
    PRIMARY KEY (municipality, inquiry_id, side)
);

-- A check of the operation log for misuse, signed by the room.
CREATE TABLE inspection (
    municipality TEXT NOT NULL,
    to_sequence BIGINT NOT NULL,     -- lines before this one have been looked at
    month INTEGER NOT NULL,          -- of the inspection in Japan, as yyyymm
    body BLOB NOT NULL,             -- JSON
    signature BLOB NOT NULL,        -- of the body, by the room's signing key
    PRIMARY KEY (municipality, to_sequence)
);

-- Operators whose inquiries an inspection stopped, and their release; the newest row counts.
CREATE TABLE operator_hold (
    municipality TEXT NOT NULL,
    operator TEXT NOT NULL,
    at_unix_ms BIGINT NOT NULL,
    held BOOLEAN NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (municipality, operator, at_unix_ms)
);

-- What the room says about its own operation log, signed (c2sp.org/tlog-checkpoint).
CREATE TABLE operation_checkpoint (
    municipality TEXT NOT NULL,
    size BIGINT NOT NULL,
    issued_at_unix_ms BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (municipality, size)
);

-- Who received a person's records.
CREATE INDEX provision_subject ON provision (municipality, subject_id);

-- What was answered lately, to be compared with the provision log.
CREATE INDEX inquiry_answered ON inquiry (municipality, answered_at_unix_ms) WHERE answered_at_unix_ms IS NOT NULL;

CREATE TRIGGER witness_evidence_keeps BEFORE UPDATE ON witness_evidence BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER witness_evidence_stays BEFORE DELETE ON witness_evidence BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER inspection_keeps BEFORE UPDATE ON inspection BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER inspection_stays BEFORE DELETE ON inspection BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER operator_hold_keeps BEFORE UPDATE ON operator_hold BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER operator_hold_stays BEFORE DELETE ON operator_hold BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER operation_checkpoint_keeps BEFORE UPDATE ON operation_checkpoint BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER operation_checkpoint_stays BEFORE DELETE ON operation_checkpoint BEGIN SELECT RAISE(ABORT, 'append only'); END;
