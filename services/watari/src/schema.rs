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
    let password = config.service()?.url.password_of(role);
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
