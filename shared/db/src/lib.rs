//! Opens the database and runs transactions on it: SQLite by default, PostgreSQL (and Citus) in
//! production, from one code base.  Knows no table and no word of the trade.
//!
//! Invariant: this is the only crate that names an engine; services see [`Tx`].
//! Invariant: what happened is told apart from what is unknown: see [`DbError`].
//! Invariant: no URL, no bind value and no text of the engine is printed from here.
//!
//! Reading order: `tx` (how a transaction begins and ends), this file (who may begin one, and how
//! often), `url`, `error`, then `migrations` and `roles`, which only `watari migrate` needs.

mod databases;
mod error;
mod migrations;
mod owner;
mod reader;
mod roles;
mod room;
mod server;
#[cfg(feature = "test-support")]
pub mod test_support;
mod tx;
mod url;

use std::sync::Arc;
use std::time::Duration;

use diesel::r2d2::{NopErrorHandler, Pool, PooledConnection};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tracing::instrument;

pub use self::databases::ensure_database;
pub use self::error::{DbError, Fault, FaultKind, TxError};
pub use self::migrations::{Migrations, migrate};
pub use self::owner::{as_owner, owner_transaction};
pub use self::reader::Reader;
pub use self::roles::ensure_role;
pub use self::room::{InvalidRoomKey, RoomKey};
pub use self::server::Server;
pub use self::tx::Tx;
use self::tx::{Access, Begin};
pub use self::url::DbUrl;

/// A transaction is tried this often when others get in its way.
const ATTEMPTS_MAX: u32 = 20;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(3);
const PING_WAIT_MAX: Duration = Duration::from_secs(1);

/// Where the database is, and how much of it one process may use.
#[derive(Clone, Debug)]
pub struct DbConfig {
    pub url: DbUrl,
    pub connections_max: u32,
    /// How long a transaction waits for its turn before it is refused as unavailable.
    pub pool_wait_ms_max: u64,
}

/// A pool of connections to one database; a clone is the same pool.
#[derive(Clone, Debug)]
pub struct Db {
    pool: Pool<DbUrl>,
    pool_wait_max: Duration,
    /// Async callers queue here, not in threads; one place per connection.
    places: Arc<Semaphore>,
    /// SQLite has one writer.  Who waits here is served in order; who waits inside SQLite polls.
    writer: Option<Arc<Mutex<()>>>,
}

/// How the pool is used right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolGauge {
    pub in_use: u32,
    pub idle: u32,
}

/// The right to use a connection, and on SQLite to write.
struct Turn {
    _writer: Option<OwnedMutexGuard<()>>,
    _place: OwnedSemaphorePermit,
}

impl Db {
    /// Opens the database as the service.  Neither creates nor migrates anything; ask
    /// [`require_schema`](Self::require_schema) next.
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        let DbConfig { url, connections_max, pool_wait_ms_max } = config.clone();
        let connections_max = connections_max.max(1);
        let pool_wait_max = Duration::from_millis(pool_wait_ms_max.max(1));
        let writer = url.is_sqlite().then(Arc::default);
        let pool = run_blocking(move || {
            url.settle_file(false)?;
            let pool = Pool::builder()
                .max_size(connections_max)
                .min_idle(Some(1))
                .connection_timeout(pool_wait_max)
                // A dead connection shows itself at BEGIN; asking first would cost a round trip.
                .test_on_check_out(false)
                .error_handler(Box::new(NopErrorHandler))
                .build(url)
                .map_err(|_| DbError::Unavailable)?;
            let mut connection = pool.get().map_err(|_| DbError::Unavailable)?;
            roles::require_fenced(&mut connection)?;
            Ok::<_, DbError>(pool)
        })
        .await?;
        let places = usize::try_from(connections_max).unwrap_or(Semaphore::MAX_PERMITS);
        Ok(Self { pool, pool_wait_max, places: Arc::new(Semaphore::new(places)), writer })
    }

    /// Refuses a schema in which a migration is missing.
    pub async fn require_schema(&self, migrations: &'static Migrations) -> Result<(), DbError> {
        let current = self.read("db.schema", |tx| migrations::is_current(tx, migrations)).await?;
        if current { Ok(()) } else { Err(DbError::SchemaOutdated) }
    }

    /// Runs `work` as one write transaction: all of it happens, or none.
    ///
    /// `work` may run several times, so it must not do anything but talk to the database.  On
    /// PostgreSQL others may write between its statements (READ COMMITTED): lock by doing, with the
    /// `UPDATE` first, rather than read and then write.  The name appears in traces.
    pub async fn transaction<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: TxError,
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        self.run(name, Begin { access: Access::Write, room: None }, work).await
    }

    /// Runs `work` as one write transaction that sees only the rows of `room`.
    pub async fn room_transaction<T, E, F>(
        &self,
        name: &'static str,
        room: RoomKey,
        work: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: TxError,
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        self.run(name, Begin { access: Access::Write, room: Some(room) }, work).await
    }

    /// Runs `work` on one unchanging state of the database; it can't write.
    pub async fn read<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: TxError,
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        self.run(name, Begin { access: Access::Read, room: None }, work).await
    }

    /// Runs `work` on one unchanging state of the rows of `room`; it can't write.
    pub async fn room_read<T, E, F>(
        &self,
        name: &'static str,
        room: RoomKey,
        work: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: TxError,
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        self.run(name, Begin { access: Access::Read, room: Some(room) }, work).await
    }

    /// The same as [`transaction`](Self::transaction), for a writer on a thread that may block.
    ///
    /// On SQLite it waits for its turn however long that takes, and must not be called from async
    /// code.  A job that may fail alone belongs in a savepoint, or it takes the other jobs along.
    #[instrument(name = "db.transaction", skip_all, fields(db.operation.name = name))]
    pub fn transaction_blocking<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        E: TxError,
        F: Fn(&mut Tx) -> Result<T, E>,
    {
        let _writer = self.writer.as_deref().map(Mutex::blocking_lock);
        self.attempt(Begin { access: Access::Write, room: None }, &work)
    }

    /// The same as [`room_transaction`](Self::room_transaction), for a writer on a thread that may
    /// block.
    #[instrument(name = "db.transaction", skip_all, fields(db.operation.name = name))]
    pub fn room_transaction_blocking<T, E, F>(
        &self,
        name: &'static str,
        room: RoomKey,
        work: F,
    ) -> Result<T, E>
    where
        E: TxError,
        F: Fn(&mut Tx) -> Result<T, E>,
    {
        let _writer = self.writer.as_deref().map(Mutex::blocking_lock);
        self.attempt(Begin { access: Access::Write, room: Some(room) }, &work)
    }

    /// Asks for an answer from the schema itself, within a second: is the database there?
    pub async fn ping(&self) -> Result<(), DbError> {
        let asked = self.read("db.ping", migrations::any_version);
        tokio::time::timeout(PING_WAIT_MAX, asked).await.unwrap_or(Err(DbError::Unavailable))
    }

    pub fn pool_gauge(&self) -> PoolGauge {
        let state = self.pool.state();
        let idle = state.idle_connections;
        PoolGauge { in_use: state.connections.saturating_sub(idle), idle }
    }

    #[instrument(name = "db.transaction", skip_all, fields(db.operation.name = name))]
    async fn run<T, E, F>(&self, name: &'static str, begin: Begin, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: TxError,
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    {
        let turn = self.turn(begin.access).await?;
        let db = self.clone();
        run_blocking(move || {
            // Held until the work is done, even if nobody waits for the answer any more.
            let _turn = turn;
            db.attempt(begin, &work)
        })
        .await
    }

    async fn turn(&self, access: Access) -> Result<Turn, DbError> {
        let wait = async {
            // The writer's turn first: a place held while waiting would keep readers out.
            let writer = match (&self.writer, access) {
                (Some(writer), Access::Write) => Some(Arc::clone(writer).lock_owned().await),
                _ => None,
            };
            let place = Arc::clone(&self.places).acquire_owned().await;
            Ok(Turn { _writer: writer, _place: place.map_err(|_| DbError::Unavailable)? })
        };
        tokio::time::timeout(self.pool_wait_max, wait).await.unwrap_or(Err(DbError::Unavailable))
    }

    /// Tries until no other transaction is in the way; an error at commit is not tried again.
    fn attempt<T, E: TxError>(
        &self,
        begin: Begin,
        work: &impl Fn(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            let mut connection = self.begin(begin)?;
            let done = connection.finish(begin.access, work);
            let conflict =
                matches!(&done, Err(e) if e.db_error().is_some_and(DbError::is_conflict));
            if !conflict || attempt == ATTEMPTS_MAX {
                return done;
            }
            drop(connection);
            tracing::debug!(attempt, "another transaction was in the way");
            std::thread::sleep(ATTEMPT_PAUSE * attempt);
            attempt += 1;
        }
    }

    /// Begins on the first connection that is alive: after the server's restart none of the idle
    /// ones is, and nothing has been asked of them yet.
    fn begin(&self, begin: Begin) -> Result<PooledConnection<DbUrl>, DbError> {
        for _ in 0..=self.pool.max_size() {
            let mut connection = self.pool.get().map_err(|_| DbError::Unavailable)?;
            match connection.begin(begin) {
                Ok(()) => return Ok(connection),
                Err(_) if connection.is_lost() => {}
                Err(error) => return Err(error),
            }
        }
        Err(DbError::Unavailable)
    }
}

async fn run_blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(done) => done,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process is ending.
            Err(_) => Err(DbError::Unavailable.into()),
        },
    }
}
