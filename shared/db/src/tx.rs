use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::pg::PgConnection;
use diesel::r2d2::R2D2Connection as _;
use diesel::result::Error as DieselError;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, MultiConnection};

use crate::error::Fault;
use crate::{DbError, RoomKey, TxError};

/// An open transaction on whichever engine the URL named.
///
/// Handed out only by [`Db`](crate::Db).  `tx.transaction(|tx| …)` inside is a savepoint: what
/// fails in it is undone, and the rest may still be kept.
#[derive(MultiConnection)]
pub enum Tx {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Tx(sqlite)",
            Self::Postgres(_) => "Tx(postgres)",
        })
    }
}

/// Compiles one body for both engines: `on_engine!(tx, c => insert.execute(c))`.
///
/// Needed where Diesel's `Tx` can't say it: inserting several rows in one statement, `ON CONFLICT`,
/// `as_returning()`.  A function can't do it, because `c` has another type on each engine; this is
/// the one macro of the house, so that such a body is not written twice and can't drift apart.
#[macro_export]
macro_rules! on_engine {
    ($tx:expr, $connection:ident => $body:expr) => {
        match $tx {
            $crate::Tx::Sqlite($connection) => $body,
            $crate::Tx::Postgres($connection) => $body,
        }
    };
}

/// How a transaction begins; the isolation is written down, not inherited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin {
    pub(crate) access: Access,
    pub(crate) room: Option<RoomKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Access {
    /// A write takes SQLite's write lock at once: a read that later turns into a write would fail
    /// with "database is locked", however long the busy timeout.
    fn sqlite_sql(self) -> &'static str {
        match self {
            Self::Read => "PRAGMA query_only = ON; BEGIN DEFERRED",
            Self::Write => "PRAGMA query_only = OFF; BEGIN IMMEDIATE",
        }
    }

    /// A read sees one state of the database throughout, as SQLite's readers do.
    fn postgres_sql(self) -> &'static str {
        match self {
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        }
    }
}

impl Tx {
    /// Begins, and names the room in the same round trip.
    ///
    /// After an error the connection is either clean again or known to be broken.
    pub(crate) fn begin(&mut self, begin: Begin) -> Result<(), DbError> {
        match self {
            Self::Sqlite(c) => {
                AnsiTransactionManager::begin_transaction_sql(c, begin.access.sqlite_sql())?;
            }
            Self::Postgres(c) => {
                let sql = begin.access.postgres_sql();
                let begun = match begin.room {
                    None => AnsiTransactionManager::begin_transaction_sql(c, sql),
                    Some(room) => AnsiTransactionManager::begin_transaction_sql(
                        c,
                        &format!("{sql}; SET LOCAL watari.municipality = '{room}'"),
                    ),
                };
                if let Err(error) = begun {
                    // Diesel counts no transaction, but the server may have begun one.
                    let _ = c.batch_execute("ROLLBACK");
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Does the work in the transaction that has begun, and ends it.
    pub(crate) fn finish<T, E: TxError>(
        &mut self,
        access: Access,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        match work(self) {
            Ok(value) => {
                match access {
                    Access::Read => Manager::commit_transaction(self).map_err(DbError::from)?,
                    Access::Write => self.commit()?,
                }
                Ok(value)
            }
            Err(error) => {
                // If this fails too, the connection counts as broken and leaves the pool; the
                // server then rolls back by itself.  The first error says more.
                let _ = Manager::rollback_transaction(self);
                Err(error)
            }
        }
    }

    fn commit(&mut self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(c) => AnsiTransactionManager::commit_transaction(c)
                .map_err(|error| DbError::CommitUnknown(Fault::from(&error))),
            Self::Postgres(c) => commit_postgres(c),
        }
    }

    /// Says whether the connection can't be used again.
    pub(crate) fn is_lost(&mut self) -> bool {
        self.is_broken()
    }
}

type Manager = <Tx as Connection>::TransactionManager;

/// PostgreSQL answers `COMMIT` of a transaction in which a statement had failed with a cheerful
/// `ROLLBACK`, and Diesel takes that for success.  A statement in front of it fails loudly instead,
/// and, as a batch stops at its first error, `COMMIT` is then not reached.
fn commit_postgres(c: &mut PgConnection) -> Result<(), DbError> {
    let Err(error) = c.batch_execute("SELECT 1; COMMIT") else { return Ok(()) };
    match AnsiTransactionManager::rollback_transaction(c) {
        Ok(()) => Err(DbError::RolledBack),
        // No transaction is open any more, so `COMMIT` itself was reached (or the line is dead).
        Err::<(), DieselError>(_) => Err(DbError::CommitUnknown(Fault::from(&error))),
    }
}
