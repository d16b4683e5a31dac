//! The database behind a service, with the rights of a role of one's choice: past every rule of the
//! program.

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::SqliteConnection;
use diesel::{Connection as _, QueryResult, RunQueryDsl as _, sql_query};
use domain::ServiceKind;

use crate::support::{Engine, World, postgres_url};

pub(super) enum Sql {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A table with its columns, as the database itself lists them.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// Names, and whether they hold bytes.
    pub(super) columns: Vec<(String, bool)>,
}

/// A row of one column called `value`.
#[derive(diesel::QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) value: Option<String>,
}

impl Sql {
    /// The owner of everything: no grant and no policy holds this one.
    pub(super) fn owner(world: &World, service: ServiceKind) -> Self {
        match world.engine {
            Engine::Sqlite => {
                let file = world.site.layout.databases().join(format!("{service}.db"));
                let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                Self::Sqlite(connection)
            }
            Engine::Postgres => {
                let (server, _) = postgres_url().rsplit_once('/').map(own).unwrap();
                Self::connect(&format!("{server}/{}", database(world, service)))
            }
        }
    }

    /// With the service's own role and password; on PostgreSQL only.
    pub(super) fn service(world: &World, service: ServiceKind) -> Self {
        Self::connect(&world.site.settings.database(service).unwrap().url.reveal().unwrap())
    }

    /// With a service's role in another service's database, if the server lets it in at all.
    pub(super) fn guest(world: &World, guest: ServiceKind, home: ServiceKind) -> Option<Self> {
        let url = world.site.settings.database(guest).unwrap().url.reveal().unwrap();
        let url = url.replace(&database(world, guest), &database(world, home));
        PgConnection::establish(&url).ok().map(Self::Postgres)
    }

    fn connect(url: &str) -> Self {
        Self::Postgres(PgConnection::establish(url).unwrap())
    }

    /// How many rows a statement changed.
    pub(super) fn try_run(&mut self, sql: &str) -> QueryResult<usize> {
        match self {
            Self::Sqlite(c) => sql_query(sql).execute(c),
            Self::Postgres(c) => sql_query(sql).execute(c),
        }
    }

    pub(super) fn run(&mut self, sql: &str) -> usize {
        self.try_run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The one column called `value`; what is NULL is left out.
    pub(super) fn try_texts(&mut self, sql: &str) -> QueryResult<Vec<String>> {
        let rows: Vec<Row> = match self {
            Self::Sqlite(c) => sql_query(sql).load(c),
            Self::Postgres(c) => sql_query(sql).load(c),
        }?;
        Ok(rows.into_iter().filter_map(|row| row.value).collect())
    }

    pub(super) fn texts(&mut self, sql: &str) -> Vec<String> {
        self.try_texts(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The only value there is.
    pub(super) fn text(&mut self, sql: &str) -> String {
        let mut texts = self.texts(sql);
        assert_eq!(texts.len(), 1, "{sql}");
        texts.remove(0)
    }

    /// Takes away what forbids SQLite to change and remove rows: whoever has the file can do that.
    pub(super) fn drop_triggers(&mut self) {
        if let Self::Sqlite(_) = self {
            for name in self.texts("SELECT name AS value FROM sqlite_schema WHERE type = 'trigger'")
            {
                self.run(&format!("DROP TRIGGER {name}"));
            }
        }
    }

    /// Bytes given in hexadecimal, as this engine writes them.
    pub(super) fn bytes(&self, hex: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("X'{hex}'"),
            Self::Postgres(_) => format!("'\\x{hex}'::bytea"),
        }
    }

    /// An expression that reads a column of bytes in hexadecimal.
    pub(super) fn hex(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("lower(hex({column}))"),
            Self::Postgres(_) => format!("encode({column}, 'hex')"),
        }
    }

    /// Every table but the list of migrations, so that a new one is tested by itself.
    pub(super) fn tables(&mut self) -> Vec<Table> {
        let (tables, columns) = match self {
            Self::Sqlite(_) => (
                "SELECT name AS value FROM sqlite_schema WHERE type = 'table' \
                 AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY 1",
                "SELECT name || ' ' || type AS value FROM pragma_table_info('{}')",
            ),
            Self::Postgres(_) => (
                "SELECT tablename::text AS value FROM pg_tables WHERE schemaname = 'public' \
                 AND tablename NOT LIKE '\\_\\_%' ORDER BY 1",
                "SELECT column_name || ' ' || upper(data_type) AS value \
                 FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name = '{}' ORDER BY ordinal_position",
            ),
        };
        let read = |name: String, sql: &mut Self| {
            let columns = sql.texts(&columns.replace("{}", &name));
            let columns = columns.iter().map(|column| {
                let (name, kind) = column.split_once(' ').unwrap();
                (name.to_owned(), ["BLOB", "BYTEA"].contains(&kind))
            });
            Table { columns: columns.collect(), name }
        };
        let tables = self.texts(tables);
        assert!(!tables.is_empty());
        tables.into_iter().map(|name| read(name, self)).collect()
    }

    /// What a column says in every row that `rows` (a condition) picks; bytes in hexadecimal.
    pub(super) fn values(
        &mut self,
        table: &str,
        (column, is_bytes): &(String, bool),
        rows: &str,
    ) -> Vec<String> {
        let read = self.read(column, *is_bytes);
        self.texts(&format!("SELECT {read} AS value FROM {table} WHERE {rows}"))
    }

    /// Whole rows as texts, in an order that depends on nothing but them.
    pub(super) fn rows(&mut self, table: &Table, rows: &str) -> Vec<String> {
        let read = |(name, is_bytes): &(String, bool)| {
            format!("'{name}=' || COALESCE({}, '-') || ' '", self.read(name, *is_bytes))
        };
        let row = table.columns.iter().map(read).collect::<Vec<_>>().join(" || ");
        self.texts(&format!("SELECT {row} AS value FROM {} WHERE {rows} ORDER BY 1", table.name))
    }

    fn read(&self, column: &str, is_bytes: bool) -> String {
        if is_bytes { self.hex(column) } else { format!("CAST({column} AS TEXT)") }
    }
}

/// Names of PostgreSQL databases begin with the world's prefix.
pub(super) fn database(world: &World, service: ServiceKind) -> String {
    format!("{}_{}", world.prefix, service.as_str().replace('-', "_"))
}

/// Where a column of bytes has this value.
pub(super) fn id_is(sql: &Sql, column: &str, id: &uuid::Uuid) -> String {
    format!("{column} = {}", sql.bytes(&id.simple().to_string()))
}

fn own((left, right): (&str, &str)) -> (String, String) {
    (left.to_owned(), right.to_owned())
}
