//! Nobody adds a column without deciding what it says about a person: `docs/columns.toml`.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::house::{expect_none, read};
use crate::schema::{POSTGRES, Schema, is_append_only, planted, schemas};
use crate::sql::Column;

const FILE: &str = "docs/columns.toml";
const REASON_CHARS_MAX: usize = 100;

/// Class and reason by service, table and column.
type Classes = BTreeMap<String, (String, String)>;

#[test]
fn every_column_is_classified() {
    expect_none(&complaints(&schemas(POSTGRES), &classes(&read(FILE))));
}

fn complaints(schemas: &[Schema], classes: &Classes) -> Vec<String> {
    let mut left = classes.clone();
    let mut found = Vec::new();
    for schema in schemas {
        let service = schema.service.rsplit('/').next().unwrap();
        for table in schema.tables() {
            let is_log = is_append_only(&schema.service, &table.name);
            for column in &table.columns {
                let key = format!("{service}.{}.{}", table.name, column.name);
                match left.remove(&key) {
                    None => found.push(format!("{FILE} lacks {key}: say what it tells, and why")),
                    Some((class, reason)) => {
                        let misfit = misfit(column, &class, is_log).or(poor_reason(&reason));
                        found.extend(misfit.map(|why| format!("{key} is no `{class}`: {why}")));
                    }
                }
            }
        }
    }
    found.extend(left.keys().map(|key| format!("{FILE} has {key}, the database has not")));
    found
}

/// Why the column cannot be of this class.
fn misfit(column: &Column, class: &str, is_log: bool) -> Option<&'static str> {
    let Column { name, kind, comment, .. } = column;
    let is_bytes = kind == "BYTEA";
    let is_sealed = comment.starts_with("(encrypted)");
    let fits = match class {
        "personal-sealed" | "secret-sealed" => {
            let named = name == "sealed" || name.ends_with("_sealed");
            (is_bytes && is_sealed && named, "it needs a name in `_sealed`, BYTEA and (encrypted)")
        }
        _ if is_sealed => (false, "the migration says (encrypted)"),
        "blind-index" => (
            is_bytes && name.ends_with("_index") && comment.contains("HMAC"),
            "it needs a name in `_index`, BYTEA and a comment that names the HMAC",
        ),
        "secret-hashed" => (
            name.ends_with("_hash") && comment.contains("Argon2id"),
            "it needs a name in `_hash` and a comment that names Argon2id",
        ),
        "log" => (is_log, "its table is not append-only"),
        "plain" | "pseudonymous" => {
            let looks_secret = name.ends_with("_sealed") || name.ends_with("_hash");
            (!looks_secret, "its name says that it is sealed or hashed")
        }
        _ => (false, "there is no such class; see the head of the file"),
    };
    (!fits.0).then_some(fits.1)
}

fn poor_reason(reason: &str) -> Option<&'static str> {
    let chars = reason.chars().count();
    (chars == 0 || chars > REASON_CHARS_MAX).then_some("one short reason, please")
}

fn classes(text: &str) -> Classes {
    let services: Table = text.parse().unwrap();
    let mut classes = Classes::new();
    for (service, tables) in &services {
        for (table, columns) in tables.as_table().unwrap() {
            for (column, entry) in columns.as_table().unwrap() {
                let said = |what: &str| entry.get(what).and_then(Value::as_str).unwrap_or_default();
                let key = format!("{service}.{table}.{column}");
                classes.insert(key, (said("class").to_owned(), said("why").to_owned()));
            }
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "CREATE TABLE subject (
    id BYTEA,            -- handle
    name_sealed BYTEA,   -- (encrypted) name
    number_index BYTEA,  -- HMAC-SHA-256
    pin_hash TEXT        -- Argon2id
);
CREATE TABLE operation_log (
    body BYTEA
);
";
    const TOML: &str = "[room.subject]
id = { class = 'pseudonymous', why = 'random' }
name_sealed = { class = 'personal-sealed', why = 'a name' }
number_index = { class = 'blind-index', why = 'finds' }
pin_hash = { class = 'secret-hashed', why = 'a secret' }
[room.operation_log]
body = { class = 'log', why = 'who did what' }
";

    fn count(sql: &str, toml: &str) -> usize {
        complaints(&[planted(sql)], &classes(toml)).len()
    }

    #[test]
    fn a_planted_column_is_missed_and_a_surplus_one_too() {
        assert_eq!(count(SQL, TOML), 0);
        assert_eq!(count(&SQL.replace("id BYTEA", "no BYTEA"), TOML), 2);
        assert_eq!(count(SQL, &TOML.replace("id =", "no =")), 2);
    }

    #[test]
    fn a_planted_class_that_does_not_fit_is_found() {
        for (right, wrong) in [
            ("'pseudonymous'", "'personal-sealed'"),
            ("'pseudonymous'", "'log'"),
            ("'pseudonymous'", "'public'"),
            ("'personal-sealed'", "'plain'"),
            ("'blind-index'", "'secret-sealed'"),
            ("'secret-hashed'", "'plain'"),
            ("'log'", "'blind-index'"),
            ("'a name'", "''"),
        ] {
            assert_eq!(count(SQL, &TOML.replace(right, wrong)), 1, "{right} as {wrong}");
        }
        assert_eq!(count(&SQL.replace("(encrypted) name", "name"), TOML), 1);
        assert_eq!(count(&SQL.replace("name_sealed BYTEA", "name_sealed TEXT"), TOML), 1);
    }
}
