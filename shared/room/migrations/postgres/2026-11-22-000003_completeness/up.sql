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

ALTER TABLE completeness ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON completeness USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));

-- What was said once stays said.
GRANT SELECT, INSERT ON completeness TO watari_partition;
