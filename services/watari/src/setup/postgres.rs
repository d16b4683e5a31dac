//! URLs of the databases on a PostgreSQL server.

use db::DbUrl;

use crate::Failure;

/// The database every server has.
const MAINTENANCE: &str = "postgres";

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
        let owner = DbUrl::parse(&self.owner_url(MAINTENANCE));
        let refused = |_| Failure::NewDatabase("the server does not let the owner make a database");
        db::ensure_database(&owner.map_err(refused)?, name).await.map_err(refused)
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
