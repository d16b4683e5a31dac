use std::fmt;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::r2d2::{Error as PoolError, ManageConnection, R2D2Connection as _};
use diesel::sqlite::SqliteConnection;
use diesel::{Connection as _, ConnectionError, ConnectionResult};

use crate::{DbError, Tx};

/// Nothing plain may reach the disk beside the database: temporary tables and sorts stay in
/// memory, and what is deleted is overwritten in the file.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; \
    PRAGMA temp_store = MEMORY;";

const SQLITE_READER_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; \
    PRAGMA cell_size_check = ON;";

/// Nobody waits for ever, and nobody makes others wait for ever.
const POSTGRES_SERVICE_SETTINGS: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '15s'";

/// Building an index may take its time; waiting for a lock would make all others queue behind.
const POSTGRES_OWNER_SETTINGS: &str = "SET statement_timeout = 0; SET lock_timeout = '5s'";

/// Written first, so that the same parameter in the URL wins.
const POSTGRES_PARAMETERS: &str = "fallback_application_name=watari&connect_timeout=5\
    &keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=20000";

/// Where the database is and how to get in.  It holds a password, so it can't be printed.
///
/// The engine is chosen by the scheme, never by trying: Diesel's derived `establish` would turn a
/// mistyped URL into a new, empty SQLite file.
#[derive(Clone, PartialEq, Eq)]
pub struct DbUrl(Engine);

#[derive(Clone, PartialEq, Eq)]
enum Engine {
    Sqlite { path: String },
    Postgres { url: String },
}

impl fmt::Debug for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DbUrl(redacted)")
    }
}

impl DbUrl {
    /// Accepts `sqlite:PATH`, `postgres://…` and `postgresql://…`.
    pub fn parse(url: &str) -> Result<Self, DbError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            // Every connection would have a memory database of its own, and `sqlite://data/x.db`
            // would mean the folder /data or ./data, depending on who reads it.
            if path.is_empty() || path.starts_with(':') || path.starts_with("//") {
                return Err(DbError::UnknownEngine);
            }
            Ok(Self(Engine::Sqlite { path: path.to_owned() }))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self(Engine::Postgres { url: url.to_owned() }))
        } else {
            Err(DbError::UnknownEngine)
        }
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.0, Engine::Sqlite { .. })
    }

    /// The password that this URL gives for a role, so that the role can be made with it.
    pub fn password_of(&self, role: &str) -> Option<String> {
        let Engine::Postgres { url } = &self.0 else { return None };
        let (user, password) = credentials(url)?;
        (user == role).then_some(password)
    }

    /// Makes sure that only the service's own user can read the file; creates it if asked to.
    ///
    /// SQLite gives its side files (`-wal`, `-shm`) the mode of the main file.
    pub(crate) fn settle_file(&self, create: bool) -> Result<(), DbError> {
        const OWNER_ONLY: u32 = 0o600;
        let Engine::Sqlite { path } = &self.0 else { return Ok(()) };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .mode(OWNER_ONLY)
            .open(path)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound if !create => DbError::SchemaOutdated,
                _ => DbError::FileUnusable,
            })?;
        file.set_permissions(Permissions::from_mode(OWNER_ONLY)).map_err(|_| DbError::FileUnusable)
    }

    /// Connects as the owner of the tables, to change them.
    pub(crate) fn connect_owner(&self) -> Result<Tx, DbError> {
        self.establish(POSTGRES_OWNER_SETTINGS).map_err(|error| {
            warn_of(&error);
            DbError::Unavailable
        })
    }

    /// Connects to read, and leaves a SQLite file as it is.
    pub(crate) fn connect_reader(&self) -> Result<Tx, DbError> {
        let Engine::Sqlite { path } = &self.0 else { return self.connect_owner() };
        // Beside it may lie what its service had not yet moved into the file, or still moves.
        let has_wal = std::fs::exists(format!("{path}-wal")).unwrap_or(true);
        let mode = if has_wal { "mode=ro" } else { "mode=ro&immutable=1" };
        let opened = SqliteConnection::establish(&sqlite_uri(path, mode));
        let mut connection = opened.map_err(|_| DbError::FileUnusable)?;
        connection.batch_execute(SQLITE_READER_SETTINGS).map_err(|_| DbError::FileUnusable)?;
        Ok(Tx::Sqlite(connection))
    }

    fn establish(&self, postgres_settings: &str) -> ConnectionResult<Tx> {
        let (mut connection, settings) = match &self.0 {
            Engine::Sqlite { path } => {
                let connection = SqliteConnection::establish(&existing_file(path))?;
                (Tx::Sqlite(connection), SQLITE_SETTINGS)
            }
            Engine::Postgres { url } => {
                let connection = PgConnection::establish(&with_parameters(url))?;
                (Tx::Postgres(connection), postgres_settings)
            }
        };
        connection.batch_execute(settings).map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

impl ManageConnection for DbUrl {
    type Connection = Tx;
    type Error = PoolError;

    fn connect(&self) -> Result<Tx, PoolError> {
        self.establish(POSTGRES_SERVICE_SETTINGS).map_err(|error| {
            warn_of(&error);
            PoolError::ConnectionError(error)
        })
    }

    fn is_valid(&self, connection: &mut Tx) -> Result<(), PoolError> {
        connection.ping().map_err(PoolError::QueryError)
    }

    /// An open transaction counts as broken too: that is how a panic inside one ends.
    fn has_broken(&self, connection: &mut Tx) -> bool {
        connection.is_broken()
    }
}

/// User and password in a PostgreSQL URL.
fn credentials(url: &str) -> Option<(String, String)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let (user, password) = user_info.split_once(':')?;
    Some((decode(user)?, decode(password)?))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => 16 * hex(rest.next()?)? + hex(rest.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A URI with `mode=rw`, because a plain path would be created when it does not exist.
fn existing_file(path: &str) -> String {
    sqlite_uri(path, "mode=rw")
}

fn sqlite_uri(path: &str, mode: &str) -> String {
    let mut uri = String::from("file:");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push('?');
    uri.push_str(mode);
    uri
}

fn with_parameters(url: &str) -> String {
    match url.split_once('?') {
        Some((place, parameters)) => format!("{place}?{POSTGRES_PARAMETERS}&{parameters}"),
        None => format!("{url}?{POSTGRES_PARAMETERS}"),
    }
}

/// Says in our own words why there is no connection: libpq's may quote a part of the URL.
fn warn_of(error: &ConnectionError) {
    const REASONS: [(&str, &str); 7] = [
        ("password", "the password is wrong or missing"),
        ("no pg_hba.conf entry", "the server does not let this role in from here"),
        ("SSL", "the server and this build do not agree on TLS"),
        ("does not exist", "the server has no such database or role"),
        ("refused", "nothing listens there"),
        ("translate host name", "the host name is unknown"),
        ("timeout", "the server does not answer"),
    ];
    let text = error.to_string();
    let reason = REASONS.iter().find(|(word, _)| text.contains(word)).map(|(_, reason)| *reason);
    tracing::warn!(reason = reason.unwrap_or("another reason"), "no connection to the database");
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_not_impl_any!(DbUrl: fmt::Display);

    #[test]
    fn the_scheme_names_the_engine_and_nothing_else_does() {
        assert!(DbUrl::parse("sqlite:data/a.db").unwrap().is_sqlite());
        assert!(!DbUrl::parse("postgres://u:p@h/d").unwrap().is_sqlite());
        assert!(!DbUrl::parse("postgresql:///d").unwrap().is_sqlite());
        for url in [
            "",
            "typo.db",
            "mysql://h/d",
            "postgres:h",
            "host=h dbname=d",
            "sqlite:",
            "sqlite::memory:",
            "sqlite://data/a.db",
            "SQLITE:a.db",
            " sqlite:a.db",
        ] {
            assert_eq!(DbUrl::parse(url), Err(DbError::UnknownEngine), "{url}");
        }
    }

    #[test]
    fn a_password_is_read_from_a_url_for_its_own_role() {
        let password = |url, role| DbUrl::parse(url).unwrap().password_of(role);
        let url = "postgres://u:p%40%2F@h:5432/d?x=1@2";
        assert_eq!(password(url, "u"), Some("p@/".to_owned()));
        for (url, role) in
            [(url, "v"), ("postgres://u@h/d", "u"), ("postgres://h/d", "u"), ("sqlite:a.db", "u")]
        {
            assert_eq!(password(url, role), None, "{url}");
        }
    }

    #[test]
    fn a_url_is_never_printed() {
        let url = DbUrl::parse("postgres://watari:hunter2@db.example/watari").unwrap();
        assert_eq!(format!("{url:?}"), "DbUrl(redacted)");
    }

    #[test]
    fn a_path_keeps_its_odd_characters() {
        assert_eq!(existing_file("/a b?c#d%e.db"), "file:/a%20b%3Fc%23d%25e.db?mode=rw");
        assert_eq!(existing_file("部屋.db"), "file:%E9%83%A8%E5%B1%8B.db?mode=rw");
    }

    #[test]
    fn the_urls_own_parameters_come_last_and_win() {
        let url = with_parameters("postgres://h/d?connect_timeout=1");
        assert!(url.starts_with("postgres://h/d?fallback_application_name=watari&"));
        assert!(url.ends_with("&connect_timeout=1"));
    }
}
