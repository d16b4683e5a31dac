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

CREATE TABLE promise (
    counter INTEGER NOT NULL REFERENCES counter (id) DEFERRABLE INITIALLY DEFERRED
);

INSERT INTO counter (id, n) VALUES (1, 0), (2, 0);
