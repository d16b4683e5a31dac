//! What keeps the road to Citus open: rooms can be spread over machines by `municipality`.
//!
//! PostgreSQL alone cannot tell whether these hold, so the text of the migrations is read.

use crate::house::expect_none;
use crate::schema::{POSTGRES, SQLITE, Schema, partition, planted, schemas};
use crate::sql::Table;

const ROOM: &str = "municipality";

/// Not the same on two machines, or not the same twice.
const VOLATILE: [&str; 9] = [
    "now(",
    "random(",
    "random_uuid",
    "uuid_generate",
    "current_timestamp",
    "current_date",
    "_timestamp(",
    "randomblob",
    "nextval",
];

#[test]
fn every_key_of_a_room_begins_with_its_municipality() {
    for engine in [SQLITE, POSTGRES] {
        expect_none(&loose_keys(&partition(engine)));
    }
}

#[test]
fn rooms_are_closed_by_row_level_security() {
    expect_none(&open_rooms(&partition(POSTGRES)));
}

#[test]
fn migrations_hold_nothing_that_citus_refuses() {
    expect_none(&schemas(POSTGRES).iter().flat_map(refused).collect::<Vec<_>>());
    expect_none(&schemas(SQLITE).iter().flat_map(volatile).collect::<Vec<_>>());
}

fn loose_keys(schema: &Schema) -> Vec<String> {
    let mut found: Vec<String> = schema.tables().iter().flat_map(loose_keys_of).collect();
    for (path, statement) in schema.statements() {
        let lacks_room = |words: &str| !begins_with_room(&statement, words);
        if statement.starts_with("CREATE INDEX") && lacks_room(" ON ")
            || statement.starts_with("CREATE UNIQUE INDEX") && lacks_room(" ON ")
            || statement.contains("ADD CONSTRAINT") && loose_constraint(&statement)
        {
            found.push(format!("{path}: `{statement}` must name `{ROOM}` first"));
        }
    }
    found
}

fn loose_keys_of(table: &Table) -> Vec<String> {
    let Table { name, columns, constraints } = table;
    let mut found = Vec::new();
    if !constraints.iter().any(|own| own.contains("PRIMARY KEY")) {
        found.push(format!("{name}: write `PRIMARY KEY ({ROOM}, …)`"));
    }
    for constraint in constraints.iter().filter(|own| loose_constraint(own)) {
        found.push(format!("{name}: `{constraint}` must begin with `{ROOM}`"));
    }
    for column in columns {
        let alone = ["PRIMARY KEY", "UNIQUE", "REFERENCES"];
        if alone.iter().any(|word| column.rest.contains(word)) {
            let column = &column.name;
            found.push(format!("{name}.{column}: a key of one column holds no `{ROOM}`"));
        }
    }
    found
}

fn loose_constraint(text: &str) -> bool {
    let keys = ["PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "REFERENCES"];
    keys.iter().any(|key| text.contains(key) && !begins_with_room(text, key))
}

/// Whether the list in parentheses after `words` begins with the municipality.
fn begins_with_room(text: &str, words: &str) -> bool {
    let list = text.split_once(words).and_then(|(_, rest)| rest.split_once('('));
    list.is_some_and(|(_, inside)| inside.split([',', ')']).next().map(str::trim) == Some(ROOM))
}

/// No setting, no rows; an empty setting is what pooled connections of workers may carry.
fn open_rooms(schema: &Schema) -> Vec<String> {
    let statements: Vec<String> = schema.statements().map(|(_, statement)| statement).collect();
    let own = format!("({ROOM} = NULLIF(current_setting('watari.{ROOM}', true), ''))");
    let mut found = Vec::new();
    for Table { name, .. } in schema.tables() {
        let wanted = [
            format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"),
            format!("CREATE POLICY room ON {name} USING {own} WITH CHECK {own}"),
        ];
        let missing = wanted.iter().filter(|want| !statements.contains(want));
        found.extend(missing.map(|want| format!("{name}: `{want}` is missing")));
        let policies = statements.iter().filter(|statement| {
            statement.starts_with("CREATE POLICY") && statement.contains(&format!(" ON {name} "))
        });
        if policies.count() > 1 {
            found.push(format!("{name}: a second policy opens what the first one closes"));
        }
    }
    let opened = |text: &&String| {
        ["DISABLE ROW", "ALTER POLICY", "DROP POLICY", "BYPASSRLS"].iter().any(|w| text.contains(w))
    };
    found.extend(statements.iter().filter(opened).map(|text| format!("`{text}` opens a room")));
    found
}

fn refused(schema: &Schema) -> Vec<String> {
    let mut found = volatile(schema);
    for (path, text) in schema.statements() {
        let mut refuse = |why: &str| found.push(format!("{path}: `{text}`: {why}"));
        if text.starts_with("CREATE") && text.contains(" TRIGGER ") {
            refuse("no triggers on PostgreSQL; let the grants refuse");
        }
        if text.contains("ADD COLUMN") && text.contains("CHECK") {
            refuse("add the check as a named constraint of its own");
        }
        if text.contains("ADD COLUMN") && ["SERIAL", "IDENTITY"].iter().any(|w| text.contains(w)) {
            refuse("a number that counts by itself must be there from the first migration");
        }
    }
    for table in schema.tables() {
        for column in table.columns {
            let bare = column.kind.split('(').next().unwrap_or_default();
            if ["CHAR", "CHARACTER", "BPCHAR"].contains(&bare) {
                let (table, name) = (&table.name, &column.name);
                found.push(format!("{table}.{name}: use TEXT, padded text defeats the index"));
            }
        }
    }
    found
}

fn volatile(schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in schema.statements() {
        let lower = text.to_lowercase();
        for word in VOLATILE.iter().filter(|word| lower.contains(*word)) {
            found.push(format!("{path}: `{text}`: pass the value instead of `{word}`"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: &str = "ALTER TABLE a ENABLE ROW LEVEL SECURITY;
CREATE POLICY room ON a
    USING (municipality = NULLIF(current_setting('watari.municipality', true), ''))
    WITH CHECK (municipality = NULLIF(current_setting('watari.municipality', true), ''));
";

    fn table(lines: &str) -> String {
        format!("CREATE TABLE a (\n    municipality TEXT NOT NULL,\n    id BYTEA,\n{lines}\n);\n")
    }

    fn good() -> String {
        table("    PRIMARY KEY (municipality, id)")
    }

    #[test]
    fn planted_keys_without_a_municipality_are_found() {
        assert!(loose_keys(&planted(&good())).is_empty());
        for lines in [
            "    UNIQUE (municipality, id)",
            "    PRIMARY KEY (id)",
            "    PRIMARY KEY (id, municipality)",
            "    PRIMARY KEY (municipality, id),\n    UNIQUE (id)",
            "    PRIMARY KEY (municipality, id),\n    permit TEXT UNIQUE",
            "    PRIMARY KEY (municipality, id),\n    b BYTEA REFERENCES b (id)",
            "    PRIMARY KEY (municipality, id),\n    FOREIGN KEY (municipality, id) REFERENCES b (id)",
        ] {
            assert_eq!(loose_keys(&planted(&table(lines))).len(), 1, "{lines}");
        }
        for later in [
            "CREATE INDEX i ON a (id);",
            "CREATE UNIQUE INDEX i ON a (id);",
            "ALTER TABLE a ADD CONSTRAINT one UNIQUE (id);",
        ] {
            assert_eq!(loose_keys(&planted(&(good() + later))).len(), 1, "{later}");
        }
    }

    #[test]
    fn planted_open_rooms_are_found() {
        let closed = good() + CLOSED;
        assert!(open_rooms(&planted(&closed)).is_empty());
        assert_eq!(open_rooms(&planted(&good())).len(), 2);
        assert_eq!(open_rooms(&planted(&closed.replace("NULLIF(", "COALESCE("))).len(), 1);
        assert_eq!(
            open_rooms(&planted(&closed.replace("CHECK (municipality", "CHECK (id"))).len(),
            1
        );
        let second = closed.clone() + "CREATE POLICY all_of_it ON a USING (true);\n";
        assert_eq!(open_rooms(&planted(&second)).len(), 1);
        let disabled = closed + "ALTER TABLE a DISABLE ROW LEVEL SECURITY;\n";
        assert_eq!(open_rooms(&planted(&disabled)).len(), 1);
    }

    #[test]
    fn planted_refusals_of_citus_are_found() {
        for sql in [
            "CREATE TABLE b (\n    at TIMESTAMPTZ DEFAULT now()\n);",
            "CREATE TABLE b (\n    id UUID DEFAULT gen_random_uuid()\n);",
            "CREATE TABLE b (\n    at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP\n);",
            "CREATE TABLE b (\n    code CHAR(6)\n);",
            "CREATE TRIGGER t BEFORE UPDATE ON a EXECUTE FUNCTION f(); END;",
            "ALTER TABLE a ADD COLUMN n INTEGER CHECK (n > 0);",
            "ALTER TABLE a ADD COLUMN n BIGINT GENERATED ALWAYS AS IDENTITY;",
        ] {
            assert_eq!(refused(&planted(&(good() + sql))).len(), 1, "{sql}");
        }
        assert!(refused(&planted(&good())).is_empty());
    }
}
