//! Both engines have the same migrations, tables and columns.

use std::fs;

use crate::house::{expect_none, root, services_with_tables};
use crate::schema::{POSTGRES, SQLITE, planted, schemas};
use crate::sql::{Column, Table};

#[test]
fn both_engines_have_the_same_migrations_up_and_down() {
    for service in services_with_tables() {
        assert_eq!(
            migrations(&service, SQLITE),
            migrations(&service, POSTGRES),
            "{service}: write each migration for both engines, under the same name",
        );
    }
}

#[test]
fn both_engines_have_the_same_tables_and_columns() {
    for (sqlite, postgres) in schemas(SQLITE).iter().zip(schemas(POSTGRES)) {
        let complaints = differences(&sqlite.tables(), &postgres.tables());
        let named = complaints.iter().map(|what| format!("{}: {what}", sqlite.service));
        expect_none(&named.collect::<Vec<_>>());
    }
}

#[test]
fn the_benchmark_replays_the_services_own_tables() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let services = services_with_tables().into_iter();
    let own: String =
        services.map(|service| read(&format!("{service}/src/store/schema.rs"))).collect();
    let replayed = read("services/watari/src/bench/store/schema.rs");
    assert!(!declared(&replayed).is_empty());
    let (own, replayed) = (declared(&own), declared(&replayed));
    let drifted = replayed.iter().filter(|line| !own.contains(line));
    let complain = |line: &String| format!("no service declares this any more: {line}");
    expect_none(&drifted.map(complain).collect::<Vec<_>>());
}

/// Every column under its table and key, such as `tile (level, idx): hashes -> Binary`.
fn declared(schema: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut table = "";
    for line in schema.lines().map(str::trim) {
        match line.strip_suffix(" {") {
            Some(head) => table = head,
            None if line.contains(" -> ") => found.push(format!("{table}: {line}")),
            None => {}
        }
    }
    found
}

/// Folder and file of every migration.
fn migrations(service: &str, engine: &str) -> Vec<String> {
    let folder = root().join(service).join("migrations").join(engine);
    let mut found = Vec::new();
    for migration in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        for file in fs::read_dir(migration.path()).unwrap().map(|entry| entry.unwrap()) {
            found.push(format!(
                "{}/{}",
                migration.file_name().display(),
                file.file_name().display()
            ));
        }
    }
    found.sort();
    found
}

fn differences(sqlite: &[Table], postgres: &[Table]) -> Vec<String> {
    let names =
        |tables: &[Table]| tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
    if names(sqlite) != names(postgres) {
        return vec![format!(
            "SQLite has the tables {:?}, PostgreSQL {:?}",
            names(sqlite),
            names(postgres)
        )];
    }
    let mut found = Vec::new();
    for (one, other) in sqlite.iter().zip(postgres) {
        let (ours, theirs) = (columns(one), columns(other));
        if ours != theirs {
            let name = &one.name;
            found.push(format!("{name} is {ours:#?} on SQLite, {theirs:#?} on PostgreSQL"));
        }
    }
    found
}

/// What must be alike: name, type as PostgreSQL calls it, whether it may be empty, meaning.
fn columns(table: &Table) -> Vec<(&str, &str, bool, &str)> {
    let columns = table.columns.iter();
    columns
        .map(|own| (own.name.as_str(), kind(own), is_filled(own), own.comment.as_str()))
        .collect()
}

fn kind(column: &Column) -> &str {
    match column.kind.as_str() {
        "BLOB" => "BYTEA",
        // SQLite's 64-bit row number has to be called so.
        "INTEGER" if column.rest.contains("PRIMARY KEY") => "BIGINT",
        kind => kind,
    }
}

fn is_filled(column: &Column) -> bool {
    column.rest.contains("NOT NULL") || column.rest.contains("PRIMARY KEY")
}

#[test]
fn a_planted_difference_is_found() {
    let table = |column: &str| planted(&format!("CREATE TABLE a (\n    {column}\n);\n")).tables();
    let ours = table("x BLOB NOT NULL -- a hash");
    assert!(differences(&ours, &table("x BYTEA NOT NULL -- a hash")).is_empty());
    for other in ["y BYTEA NOT NULL -- a hash", "x TEXT NOT NULL -- a hash", "x BYTEA -- a hash"] {
        assert_eq!(differences(&ours, &table(other)).len(), 1, "{other}");
    }
    assert_eq!(differences(&ours, &table("x BYTEA NOT NULL -- encrypted")).len(), 1);
    assert_eq!(differences(&ours, &[]).len(), 1);
}
