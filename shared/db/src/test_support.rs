//! A database of its own for each test: a SQLite file, or a database on the server that
//! `TEST_POSTGRES_URL` names (as a superuser).  Both are gone when the value is dropped.
//!
//! Without that server tests stop, they don't skip; `WATARI_TEST_ENGINES=sqlite` says that SQLite
//! alone is meant.

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::migrations::{Failure, migrate_blocking};
use crate::{Db, DbConfig, DbError, DbUrl, Migrations, Tx, ensure_role, run_blocking};

/// Roles belong to the whole server and tests run side by side, so all share one password.
const PASSWORD: &str = "only-for-tests";
const CONNECTIONS_MAX: u32 = 8;
const POOL_WAIT_MS_MAX: u64 = 10_000;

/// An open, migrated database: the owner made the tables, the service's role is connected.
#[derive(Debug)]
pub struct TestDb {
    pub db: Db,
    /// To open the same database once more, as after a restart.
    pub config: DbConfig,
    /// To migrate again.
    pub owner: DbUrl,
    _place: Place,
}

#[derive(Debug)]
enum Place {
    Folder { _folder: TempDir },
    Database { server: Server, name: String },
}

#[expect(clippy::expect_used, reason = "a test that has no database should stop at once")]
impl TestDb {
    /// One database on each engine: "run the test on both".
    pub async fn each(migrations: &'static Migrations, role: &str) -> Vec<Self> {
        let mut all = vec![Self::sqlite(migrations).await];
        all.extend(Self::postgres(migrations, role).await);
        all
    }

    pub async fn sqlite(migrations: &'static Migrations) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let url = DbUrl::parse(&url).expect("a SQLite URL");
        Self::migrated(url.clone(), url, migrations, Place::Folder { _folder: folder }).await
    }

    /// `None` only if SQLite alone is meant: `let Some(t) = … else { return };`.
    ///
    /// `role` is made if it isn't there, so that the migrations can grant it something.
    pub async fn postgres(migrations: &'static Migrations, role: &str) -> Option<Self> {
        if sqlite_only() {
            return None;
        }
        let server = Server::from_environment();
        // On the server's own database, where all tests meet at the same lock.
        ensure_role(&server.url(), role, Some(PASSWORD)).await.expect("make the role");
        let name = format!("test_{}", Uuid::new_v4().simple());
        server.execute(&format!("CREATE DATABASE {name}")).await;
        let owner = server.owner_url(&name);
        let service = server.service_url(&name, role);
        Some(Self::migrated(owner, service, migrations, Place::Database { server, name }).await)
    }

    pub fn is_sqlite(&self) -> bool {
        self.config.url.is_sqlite()
    }

    /// Does what the service can't: looks past the walls, damages a row, changes the schema.
    pub async fn as_owner<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx) -> diesel::QueryResult<T> + Send + 'static,
    ) -> T {
        let owner = self.owner.clone();
        run_blocking(move || -> Result<T, DbError> { Ok(work(&mut owner.connect_owner()?)?) })
            .await
            .expect("a statement of the owner")
    }

    async fn migrated(
        owner: DbUrl,
        url: DbUrl,
        migrations: &'static Migrations,
        place: Place,
    ) -> Self {
        let migrating = owner.clone();
        // With the engine's own words, which `db::migrate` does not pass on.
        run_blocking(move || -> Result<(), DbError> {
            migrate_blocking(&migrating, migrations).map(drop).map_err(|failure| match failure {
                Failure::Migration { name, cause } => panic!("migration {name:?}: {cause}"),
                Failure::Db(error) => error,
            })
        })
        .await
        .expect("migrate the test database");
        let config =
            DbConfig { url, connections_max: CONNECTIONS_MAX, pool_wait_ms_max: POOL_WAIT_MS_MAX };
        let db = Db::open(&config).await.expect("open the test database");
        db.require_schema(migrations).await.expect("a migrated schema");
        Self { db, config, owner, _place: place }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Database { server, name } = self
            && let Ok(mut admin) = PgConnection::establish(&server.url)
        {
            let _ = admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// The server's URL, cut where another database, role and password go in.
#[derive(Clone)]
struct Server {
    url: String,
    admin: String,
    host: String,
    parameters: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server(redacted)")
    }
}

#[expect(clippy::expect_used, reason = "a test that has no database should stop at once")]
impl Server {
    #[expect(clippy::disallowed_methods, reason = "tests find their server by environment")]
    fn from_environment() -> Self {
        let url = std::env::var("TEST_POSTGRES_URL").expect(
            "set TEST_POSTGRES_URL to a PostgreSQL superuser's URL, \
             or WATARI_TEST_ENGINES=sqlite to test on SQLite alone",
        );
        Self::parse(&url).expect("TEST_POSTGRES_URL looks like postgres://user@host:port/postgres")
    }

    fn parse(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let (place, parameters) = match rest.split_once('?') {
            Some((place, parameters)) => (place, format!("?{parameters}")),
            None => (rest, String::new()),
        };
        let (authority, _) = place.split_once('/').unwrap_or((place, ""));
        let (admin, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let admin = if admin.is_empty() { String::new() } else { format!("{admin}@") };
        Some(Self { url: url.to_owned(), admin, host: host.to_owned(), parameters })
    }

    fn url(&self) -> DbUrl {
        DbUrl::parse(&self.url).expect("TEST_POSTGRES_URL begins with postgres://")
    }

    fn owner_url(&self, name: &str) -> DbUrl {
        let Self { admin, host, parameters, .. } = self;
        DbUrl::parse(&format!("postgres://{admin}{host}/{name}{parameters}")).expect("a URL")
    }

    fn service_url(&self, name: &str, role: &str) -> DbUrl {
        let Self { host, parameters, .. } = self;
        let url = format!("postgres://{role}:{PASSWORD}@{host}/{name}{parameters}");
        DbUrl::parse(&url).expect("a URL")
    }

    async fn execute(&self, sql: &str) {
        let (url, sql) = (self.url.clone(), sql.to_owned());
        run_blocking(move || -> Result<(), DbError> {
            let mut admin = PgConnection::establish(&url).expect("connect to TEST_POSTGRES_URL");
            Ok(admin.batch_execute(&sql)?)
        })
        .await
        .expect("a statement of the test's superuser");
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are narrowed by environment")]
fn sqlite_only() -> bool {
    std::env::var("WATARI_TEST_ENGINES").is_ok_and(|engines| engines == "sqlite")
}
