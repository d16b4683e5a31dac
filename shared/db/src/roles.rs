use diesel::RunQueryDsl as _;
use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use diesel::sql_types::{Bool, Text};

use crate::{DbError, DbUrl, Tx, run_blocking};

/// Makes sure that a service's role exists and may log in, with `password` if there is one.
///
/// May run any number of times, also at once; SQLite has no roles.  The role can do nothing until
/// a migration grants it something.
pub async fn ensure_role(owner: &DbUrl, role: &str, password: Option<&str>) -> Result<(), DbError> {
    if !is_role_name(role) {
        return Err(DbError::InvalidRole);
    }
    if owner.is_sqlite() {
        return Ok(());
    }
    let (owner, role) = (owner.clone(), role.to_owned());
    let password = password.map(str::to_owned);
    run_blocking(move || match owner.connect_owner()? {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(mut c) => {
            c.transaction(|c| ensure_postgres(c, &role, password.as_deref()).map_err(DbError::from))
        }
    })
    .await
}

/// A server that logs statements logs their parameters too: not here, where the owner may say so.
const SILENCE: &str = "
DO $$
BEGIN
    SET LOCAL log_statement = 'none';
    SET LOCAL log_min_duration_statement = -1;
    SET LOCAL log_parameter_max_length = 0;
    SET LOCAL log_parameter_max_length_on_error = 0;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$";

/// The statements that make a role take no bind parameters, so the server itself quotes the values
/// into them; a password inside a `DO` block also stays out of its statement log.
///
/// The lock counts per database only, so another database's owner may still come first.
const ENSURE: &str = "
SELECT pg_advisory_xact_lock(2021041203);
DO $$
DECLARE
    role text := current_setting('watari.role');
    password text := current_setting('watari.password');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role) THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE \
                            NOREPLICATION NOBYPASSRLS', role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
    IF password <> '' THEN
        EXECUTE format('ALTER ROLE %I PASSWORD %L', role, password);
    END IF;
END $$";

fn ensure_postgres(
    c: &mut PgConnection,
    role: &str,
    password: Option<&str>,
) -> diesel::QueryResult<()> {
    c.batch_execute(SILENCE)?;
    diesel::sql_query(
        "SELECT set_config('watari.role', $1, true), set_config('watari.password', $2, true)",
    )
    .bind::<Text, _>(role)
    .bind::<Text, _>(password.unwrap_or_default())
    .execute(c)?;
    c.batch_execute(ENSURE)
}

fn is_role_name(role: &str) -> bool {
    const LENGTH_MAX: usize = 63;
    role.len() <= LENGTH_MAX
        && role.starts_with(|first: char| first.is_ascii_lowercase())
        && role.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[derive(diesel::QueryableByName)]
struct Session {
    #[diesel(sql_type = Bool)]
    unfenced: bool,
    #[diesel(sql_type = Bool)]
    volatile: bool,
    #[diesel(sql_type = Text)]
    language: String,
}

/// Refuses a role that row-level security does not hold (rooms would be walls of paper), and commits
/// that are not on disk when the database says so.
pub(crate) fn require_fenced(tx: &mut Tx) -> Result<(), DbError> {
    let Tx::Postgres(c) = tx else { return Ok(()) };
    let session: Session = diesel::sql_query(
        "SELECT rolsuper OR rolbypassrls AS unfenced, \
         current_setting('synchronous_commit') = 'off' AS volatile, \
         current_setting('lc_messages') AS language \
         FROM pg_catalog.pg_roles WHERE rolname = current_user",
    )
    .get_result(c)?;
    if session.unfenced {
        return Err(DbError::RoleUnfenced);
    }
    if session.volatile {
        return Err(DbError::NotDurable);
    }
    let english = ["", "C", "POSIX"].contains(&session.language.as_str())
        || session.language.starts_with("C.")
        || session.language.starts_with("en");
    if !english {
        tracing::warn!("set lc_messages = 'C' on the server: deadlocks are not recognised in it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_plain_word() {
        assert!(is_role_name("watari_provision_log"));
        for role in ["", "1a", "_a", "Watari", "a-b", "a b", "a\"b", "a'b", "ａ", &"a".repeat(64)]
        {
            assert!(!is_role_name(role), "{role}");
        }
    }
}
