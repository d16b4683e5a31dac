-- What the municipality says of how complete its records are; the newest version counts.
CREATE TABLE completeness (
    municipality TEXT NOT NULL,
    version INTEGER NOT NULL,
    complete_from TEXT,              -- both days, or neither: nothing is said any more
    complete_up_to TEXT,
    stated_by TEXT NOT NULL,
    stated_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, version),
    CHECK ((complete_from IS NULL) = (complete_up_to IS NULL))
);

CREATE TRIGGER completeness_keeps BEFORE UPDATE ON completeness BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER completeness_stays BEFORE DELETE ON completeness BEGIN SELECT RAISE(ABORT, 'append only'); END;
