//! New databases on a PostgreSQL server.  `db` knows none of this: services never make a database.

use diesel::RunQueryDsl as _;
use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use diesel::result::Error as DieselError;
use diesel::sql_types::Text;
use tokio::task::spawn_blocking;

use crate::Failure;

/// The database every server has.
const MAINTENANCE: &str = "postgres";
const NAME_BYTES_MAX: usize = 63;

/// A PostgreSQL server, as its owner reaches it.
pub(super) struct Server {
    user_info: String,
    host: String,
    parameters: String,
}

impl Server {
    /// Accepts `postgres://user:password@host:port/any?parameters`.
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let refuse = || Failure::NewDatabase("--postgres-owner is a URL postgres://user@host/…");
        let rest = ["postgres://", "postgresql://"].iter().find_map(|s| url.strip_prefix(s));
        let rest = rest.ok_or_else(refuse)?;
        let (place, parameters) = match rest.split_once('?') {
            Some((place, parameters)) => (place, format!("?{parameters}")),
            None => (rest, String::new()),
        };
        let authority = place.split('/').next().unwrap_or_default();
        let (user_info, host) = authority.rsplit_once('@').ok_or_else(refuse)?;
        Ok(Self { user_info: user_info.to_owned(), host: host.to_owned(), parameters })
    }

    /// Makes a database unless it is there.
    pub(super) async fn ensure_database(&self, name: &str) -> Result<(), Failure> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !name.bytes().all(is_plain) || name.len() > NAME_BYTES_MAX {
            return Err(Failure::NewDatabase("a name is lower-case letters, digits and `_`"));
        }
        let (url, name) = (self.owner_url(MAINTENANCE), name.to_owned());
        let made = spawn_blocking(move || create(&url, &name)).await;
        made.unwrap_or(Err(Failure::NewDatabase("the program is ending")))
    }

    pub(super) fn owner_url(&self, database: &str) -> String {
        let Self { user_info, host, parameters } = self;
        format!("postgres://{user_info}@{host}/{database}{parameters}")
    }

    pub(super) fn url(&self, role: &str, password: &str, database: &str) -> String {
        let Self { host, parameters, .. } = self;
        format!("postgres://{role}:{password}@{host}/{database}{parameters}")
    }
}

/// The server's own words may repeat the URL, so ours are said instead.
fn create(url: &str, name: &str) -> Result<(), Failure> {
    let mut owner = PgConnection::establish(url)
        .map_err(|_| Failure::NewDatabase("the server does not let the owner in"))?;
    let refused = |_: DieselError| Failure::NewDatabase("the server refuses to make a database");
    let found = diesel::sql_query("SELECT FROM pg_catalog.pg_database WHERE datname = $1")
        .bind::<Text, _>(name)
        .execute(&mut owner)
        .map_err(refused)?;
    if found == 0 {
        owner.batch_execute(&format!("CREATE DATABASE {name}")).map_err(refused)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_new_databases_keep_host_and_parameters() {
        let server =
            Server::parse("postgresql://owner:pw@h:5433/postgres?sslmode=require").unwrap();
        assert_eq!(server.owner_url("a"), "postgres://owner:pw@h:5433/a?sslmode=require");
        assert_eq!(server.url("r", "p", "a"), "postgres://r:p@h:5433/a?sslmode=require");
        assert!(Server::parse("sqlite:a.db").is_err());
    }
}
