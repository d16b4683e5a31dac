CREATE TABLE counter (
    id INTEGER NOT NULL PRIMARY KEY,
    n BIGINT NOT NULL
);

CREATE TABLE note (
    municipality TEXT NOT NULL,
    id INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (municipality, id),
    CONSTRAINT note_body UNIQUE (municipality, body)
);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON note
    USING (municipality = NULLIF(current_setting('watari.municipality', true), ''));

CREATE TABLE promise (
    counter INTEGER NOT NULL REFERENCES counter (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE fenced_off (
    id INTEGER NOT NULL PRIMARY KEY
);

INSERT INTO counter (id, n) VALUES (1, 0), (2, 0);

GRANT SELECT, INSERT, UPDATE ON counter TO watari_test;
GRANT SELECT, INSERT ON note, promise TO watari_test;
