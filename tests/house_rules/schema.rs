//! The databases of the services, as their migrations make them.

use crate::house::{File, files_under, services_with_tables};
use crate::sql::{self, Table};

pub(crate) const POSTGRES: &str = "postgres";
pub(crate) const SQLITE: &str = "sqlite";

/// Tables to which rows are added and in which nothing ever changes: folder of the service, table.
const APPEND_ONLY: [(&str, &str); 18] = [
    ("shared/room", "completeness"),
    ("shared/room", "erasure_record"),
    ("shared/room", "inspection"),
    ("shared/room", "operation_checkpoint"),
    ("shared/room", "operation_log"),
    ("shared/room", "operation_tile"),
    ("shared/room", "operator_hold"),
    ("shared/room", "provision"),
    ("shared/room", "witness_evidence"),
    ("services/intake", "access_log"),
    ("services/provision-log", "checkpoint"),
    ("services/provision-log", "cosigned"),
    ("services/provision-log", "entry"),
    ("services/provision-log", "leaf"),
    ("services/provision-log", "tile"),
    ("services/registry", "access_checkpoint"),
    ("services/registry", "access_log"),
    ("services/registry", "access_tile"),
];

/// One service's migrations for one engine, in the order in which they run.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The service's folder.
    pub(crate) service: String,
    /// The `up.sql` files.
    pub(crate) migrations: Vec<File>,
}

impl Schema {
    pub(crate) fn tables(&self) -> Vec<Table> {
        sql::tables(self.migrations.iter().map(|file| file.text.as_str()))
    }

    /// Every statement, with the path of its file.
    pub(crate) fn statements(&self) -> impl Iterator<Item = (&str, String)> {
        self.migrations.iter().flat_map(|file| {
            sql::statements(&file.text).into_iter().map(|statement| (file.path.as_str(), statement))
        })
    }
}

pub(crate) fn schemas(engine: &str) -> Vec<Schema> {
    let services = services_with_tables().into_iter();
    services.map(|service| schema(service, engine)).collect()
}

pub(crate) fn partition(engine: &str) -> Schema {
    schema("shared/room".to_owned(), engine)
}

pub(crate) fn is_append_only(service: &str, table: &str) -> bool {
    APPEND_ONLY.contains(&(service, table))
}

fn schema(service: String, engine: &str) -> Schema {
    let mut migrations = files_under(&format!("{service}/migrations/{engine}"));
    migrations.retain(|file| file.path.ends_with("/up.sql"));
    Schema { service, migrations }
}

/// A schema of one migration, to try a rule on.
pub(crate) fn planted(sql: &str) -> Schema {
    let file = File { path: "up.sql".to_owned(), text: sql.to_owned() };
    Schema { service: "shared/room".to_owned(), migrations: vec![file] }
}

#[test]
fn the_append_only_tables_exist() {
    let schemas = schemas(POSTGRES);
    for (service, table) in APPEND_ONLY {
        let schema = schemas.iter().find(|schema| schema.service == service).unwrap();
        let lives = schema.tables().iter().any(|own| own.name == table);
        assert!(lives, "{service}: {table} is gone: take it out of APPEND_ONLY");
    }
}

#[test]
fn a_log_is_append_only() {
    for schema in schemas(POSTGRES) {
        for table in schema.tables().iter().filter(|table| table.name.ends_with("_log")) {
            let Schema { service, .. } = &schema;
            assert!(is_append_only(service, &table.name), "{service}: {} is a log", table.name);
        }
    }
}
