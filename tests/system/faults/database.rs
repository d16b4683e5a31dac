//! Breaks a service's database from outside, as its administrator could.

use db::Tx;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection as _, RunQueryDsl as _, sql_query};
use service::config::DatabaseConfig;

/// A database as its owner reaches it.
#[derive(Clone)]
pub(super) struct Database {
    url: String,
}

/// A way to break a database and to mend it, in each engine's own words.
#[derive(Clone, Copy)]
pub(super) struct Damage {
    pub(super) sqlite: [&'static str; 2],
    pub(super) postgres: [&'static str; 2],
}

/// Locks that are held until this is dropped.
pub(super) struct Held {
    _connection: Tx,
}

impl Database {
    pub(super) fn of(config: &DatabaseConfig) -> Self {
        let url = config.owner_url.as_ref().unwrap_or(&config.url).reveal().unwrap();
        Self { url }
    }

    pub(super) fn at(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    pub(super) fn connect(&self) -> Tx {
        match self.url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                Tx::Sqlite(connection)
            }
            None => Tx::Postgres(PgConnection::establish(&self.url).unwrap()),
        }
    }

    pub(super) fn break_by(&self, damage: Damage) {
        let mut connection = self.connect();
        let [break_it, _] = damage.words(&connection);
        connection.batch_execute(break_it).unwrap();
    }

    pub(super) fn mend(&self, damage: Damage) {
        let mut connection = self.connect();
        let [_, mend_it] = damage.words(&connection);
        connection.batch_execute(mend_it).unwrap();
    }

    /// Keeps every writer out of a table; on SQLite out of the whole database.
    pub(super) fn lock(&self, table: &str) -> Held {
        let mut connection = self.connect();
        let words = match &connection {
            Tx::Sqlite(_) => "BEGIN EXCLUSIVE".to_owned(),
            Tx::Postgres(_) => format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE"),
        };
        connection.batch_execute(&words).unwrap();
        Held { _connection: connection }
    }

    pub(super) fn is_server(&self) -> bool {
        !self.url.starts_with("sqlite:")
    }

    /// PostgreSQL only: ends every connection but this one, as a restart of the server would.
    pub(super) fn end_connections(&self) {
        let ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sql_query(ending).execute(&mut self.connect()).unwrap();
    }
}

impl Damage {
    fn words(self, connection: &Tx) -> [&'static str; 2] {
        match connection {
            Tx::Sqlite(_) => self.sqlite,
            Tx::Postgres(_) => self.postgres,
        }
    }
}
