-- Finds a person by the municipality's own number (宛名番号).
CREATE TABLE subject_address (
    municipality TEXT NOT NULL,
    address_index BYTEA NOT NULL,    -- HMAC-SHA-256 under the room's own index key
    subject_id BYTEA NOT NULL,
    PRIMARY KEY (municipality, address_index)
);

-- A voucher that was issued to a person, for one dose.
CREATE TABLE voucher (
    municipality TEXT NOT NULL,
    voucher_index BYTEA NOT NULL,    -- HMAC-SHA-256 under the room's own index key
    dose_number INTEGER NOT NULL,
    subject_id BYTEA NOT NULL,
    sealed BYTEA NOT NULL,           -- (encrypted) voucher number, day of issue, where it came from
    created_at_unix_ms BIGINT NOT NULL,
    PRIMARY KEY (municipality, voucher_index, dose_number)
);
CREATE INDEX voucher_subject ON voucher (municipality, subject_id);

ALTER TABLE subject_address ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON subject_address USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));
ALTER TABLE voucher ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON voucher USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));

GRANT SELECT, INSERT ON subject_address, voucher TO watari_partition;
