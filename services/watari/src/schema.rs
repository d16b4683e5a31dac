//! Makes roles and tables, as the owner.

use std::time::Duration;

use db::{DbError, DbUrl};
use domain::ServiceKind;

use crate::services::{self, Schema};
use crate::{Failure, Settings};

const ATTEMPTS_MAX: u32 = 5;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(50);

/// Brings one service's database up to date and says which migrations ran; `None` where a service
/// has no database.
pub async fn migrate(
    settings: &Settings,
    kind: ServiceKind,
) -> Result<Option<Vec<String>>, Failure> {
    let (Some(config), Some(schema)) = (settings.database(kind), services::schema(kind)) else {
        return Ok(None);
    };
    let Schema { migrations, role } = schema;
    let failed = |source| Failure::Database { service: kind.as_str(), source };
    let owner = config.owner()?;
    let url = config.url.reveal()?;
    let password = credentials(&url).filter(|(user, _)| user == role).map(|(_, password)| password);
    ensure_role(&owner, role, password.as_deref()).await.map_err(failed)?;
    db::migrate(&owner, migrations).await.map(Some).map_err(failed)
}

/// Roles belong to the whole server, so the migration of another database may be changing the same
/// one at this moment; PostgreSQL then refuses one of the two.
async fn ensure_role(owner: &DbUrl, role: &str, password: Option<&str>) -> Result<(), DbError> {
    for attempt in 1..ATTEMPTS_MAX {
        match db::ensure_role(owner, role, password).await {
            Err(DbError::Query(_)) => tokio::time::sleep(ATTEMPT_PAUSE * attempt).await,
            done => return done,
        }
    }
    db::ensure_role(owner, role, password).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_from_a_url() {
        let read = |url| credentials(url).map(|(user, password)| format!("{user} {password}"));
        assert_eq!(read("postgres://u:p%40%2F@h:5432/d?x=1@2"), Some("u p@/".to_owned()));
        assert_eq!(read("postgres://u@h/d"), None);
        assert_eq!(read("postgres://h/d"), None);
        assert_eq!(read("sqlite:a.db"), None);
    }
}
