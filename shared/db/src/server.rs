//! URLs of the databases on a PostgreSQL server.

use crate::{DbError, DbUrl, ensure_database};

/// The database every server has.
const MAINTENANCE: &str = "postgres";

/// A PostgreSQL server, as its owner reaches it.
#[derive(Clone)]
pub struct Server {
    user_info: String,
    host: String,
    parameters: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server(redacted)")
    }
}

impl Server {
    /// Accepts `postgres://user:password@host:port/any?parameters`.
    pub fn parse(url: &str) -> Result<Self, DbError> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|s| url.strip_prefix(s));
        let rest = rest.ok_or(DbError::UnknownEngine)?;
        let (place, parameters) = match rest.split_once('?') {
            Some((place, parameters)) => (place, format!("?{parameters}")),
            None => (rest, String::new()),
        };
        let authority = place.split('/').next().unwrap_or_default();
        let (user_info, host) = authority.rsplit_once('@').ok_or(DbError::UnknownEngine)?;
        Ok(Self { user_info: user_info.to_owned(), host: host.to_owned(), parameters })
    }

    /// Makes a database unless it is there.
    pub async fn ensure_database(&self, name: &str) -> Result<(), DbError> {
        ensure_database(&DbUrl::parse(&self.owner_url(MAINTENANCE))?, name).await
    }

    /// As the owner reaches it; the URL may hold a password.
    pub fn owner_url(&self, database: &str) -> String {
        let Self { user_info, host, parameters } = self;
        format!("postgres://{user_info}@{host}/{database}{parameters}")
    }

    /// As a role reaches it; the URL holds its password.
    pub fn url(&self, role: &str, password: &str, database: &str) -> String {
        let Self { host, parameters, .. } = self;
        format!("postgres://{role}:{password}@{host}/{database}{parameters}")
    }
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
