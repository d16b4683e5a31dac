use std::collections::HashSet;
use std::error::Error;
use std::fmt;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::result::Error as DieselError;
use diesel::sqlite::Sqlite;
use diesel::{QueryDsl as _, RunQueryDsl as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::error::{Fault, FaultKind};
use crate::{DbError, DbUrl, Tx, run_blocking};

/// The same schema, written once per engine.
///
/// On PostgreSQL the tables belong to the owner who migrates; the migrations grant
/// `watari_<service>` what that service needs, and no more.
pub struct Migrations {
    pub sqlite: EmbeddedMigrations,
    pub postgres: EmbeddedMigrations,
}

impl fmt::Debug for Migrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Migrations")
    }
}

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Any number that nobody else takes; two migrations at once would stumble over each other.
const MIGRATE_LOCK: &str = "SELECT pg_advisory_lock(2021041202)";

/// Every service checks at its start which migrations have run.
const GRANT_VERSIONS: &str = "GRANT SELECT ON __diesel_schema_migrations TO PUBLIC";

/// Runs what has not run yet as the owner of the tables and returns its names, in order.
///
/// A SQLite file is created here and nowhere else.
pub async fn migrate(
    owner: &DbUrl,
    migrations: &'static Migrations,
) -> Result<Vec<String>, DbError> {
    let owner = owner.clone();
    run_blocking(move || migrate_blocking(&owner, migrations).map_err(DbError::from)).await
}

pub(crate) fn migrate_blocking(
    owner: &DbUrl,
    migrations: &Migrations,
) -> Result<Vec<String>, Failure> {
    owner.settle_file(true)?;
    match owner.connect_owner()? {
        Tx::Sqlite(mut c) => c.immediate_transaction(|c| run_pending(c, &migrations.sqlite)),
        Tx::Postgres(mut c) => {
            c.batch_execute(MIGRATE_LOCK)?;
            let ran = run_pending(&mut c, &migrations.postgres)?;
            c.batch_execute(GRANT_VERSIONS)?;
            Ok(ran)
        }
    }
}

fn run_pending<DB: Backend>(
    connection: &mut impl MigrationHarness<DB>,
    source: &impl MigrationSource<DB>,
) -> Result<Vec<String>, Failure> {
    let applied: HashSet<_> = connection.applied_migrations()?.into_iter().collect();
    let mut pending = source.migrations()?;
    pending.retain(|migration| !applied.contains(&migration.name().version()));
    pending.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    let mut ran = Vec::new();
    for migration in pending {
        let name = migration.name().to_string();
        match connection.run_migration(&*migration) {
            Ok(_) => ran.push(name),
            Err(cause) => return Err(Failure::Migration { name: Some(name), cause }),
        }
    }
    Ok(ran)
}

/// A failure with the engine's own words, which do not leave this crate: a migration that moves
/// rows may meet a value it can't convert.
#[derive(Debug)]
pub(crate) enum Failure {
    Migration { name: Option<String>, cause: Box<dyn Error + Send + Sync> },
    Db(DbError),
}

impl From<Box<dyn Error + Send + Sync>> for Failure {
    fn from(cause: Box<dyn Error + Send + Sync>) -> Self {
        Self::Migration { name: None, cause }
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        Self::Db(error.into())
    }
}

impl From<Failure> for DbError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Migration { name, cause } => {
                Self::Migration { name, fault: Fault::of_migration(cause.as_ref()) }
            }
            Failure::Db(error) => error,
        }
    }
}

/// Says whether all migrations have run.  Versions this program does not know are no obstacle:
/// the next release may migrate while this one still serves.
pub(crate) fn is_current(tx: &mut Tx, migrations: &Migrations) -> Result<bool, DbError> {
    let applied = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load::<String>(tx);
    let applied: HashSet<String> = match applied.map_err(DbError::from) {
        Ok(versions) => versions.into_iter().collect(),
        Err(DbError::Query(fault)) if fault.kind == FaultKind::SchemaMismatch => return Ok(false),
        Err(error) => return Err(error),
    };
    let expected = match tx {
        Tx::Sqlite(_) => versions::<Sqlite>(&migrations.sqlite),
        Tx::Postgres(_) => versions::<Pg>(&migrations.postgres),
    }?;
    Ok(expected.iter().all(|version| applied.contains(version)))
}

/// Reads one version: an answer from the schema itself shows that the database is there.
pub(crate) fn any_version(tx: &mut Tx) -> Result<(), DbError> {
    let versions = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .limit(1)
        .load::<String>(tx)?;
    if versions.is_empty() { Err(DbError::SchemaOutdated) } else { Ok(()) }
}

fn versions<DB: Backend>(source: &impl MigrationSource<DB>) -> Result<Vec<String>, DbError> {
    let migrations = source.migrations().map_err(Failure::from)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}
