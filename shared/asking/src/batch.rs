//! Many inquiries in one file (一括照会): uploaded in parts, checked, taken apart into rows that
//! have their inquiry ids, asked row by row like any inquiry, and read back as the answers come.
//!
//! Invariant: a row has one inquiry id for ever, durable before it is asked, so that asking again
//! after a crash is the same inquiry.
//! Invariant: rows are asked as the operator who submitted the file; whoever may not ask, asks by no
//! batch either.
//!
//! Reading order: `upload`, `start` (the check), `stage` (rows), `run` (asking), `sources` (who does
//! not answer), `results`, `erase`.

mod erase;
mod lanes;
pub mod problems;
mod results;
pub mod routes;
mod row;
mod run;
mod sources;
mod stage;
mod start;
mod status;
mod upload;

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{MunicipalityCode, Permit};
use room::Wake;
use room::operation_log::About;
use room::store;
use room::{Host, store::batch::Batch};
use service::{ApiError, problems as common};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

pub use self::erase::erase;
/// The background tasks, which run for as long as the service lives.
pub use self::run::run;
use self::sources::Sources;
pub use self::stage::run as stage;

/// Files that are read whole at the same time.
const FILES_MAX: usize = 2;

/// What the handlers and the background tasks share.
#[derive(Debug)]
pub struct Batches {
    sources: Mutex<Sources>,
    /// Rooms whose batches have changed.
    changed: Mutex<Vec<MunicipalityCode>>,
    woken: Notify,
    /// Rooms with a file to be taken apart.
    to_stage: Wake,
    files: Semaphore,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            sources: Mutex::default(),
            changed: Mutex::default(),
            woken: Notify::new(),
            to_stage: Wake::default(),
            files: Semaphore::new(FILES_MAX),
        }
    }
}

impl Batches {
    /// Has the runner look at a room's batches now.
    fn wake(&self, room: MunicipalityCode) {
        lock(&self.changed).push(room);
        self.woken.notify_one();
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        lock(&self.sources)
    }

    fn take_changed(&self) -> Vec<MunicipalityCode> {
        std::mem::take(&mut *lock(&self.changed))
    }
}

/// No code panics while it holds one of these locks, so what a poisoned one guards is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The caller's own room's batch.
async fn find(host: &Host, permit: &Permit, id: Uuid) -> Result<Batch, ApiError> {
    let find = move |tx: &mut db::Tx, permit: &Permit| store::batch::find(tx, permit, id);
    let found = host.read("partition.batch", permit, find).await?;
    found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))
}

fn about(batch: Uuid) -> About {
    About { purpose: format!("batch {batch}"), ..About::default() }
}

/// Results stay as long after this moment.
fn expiry(host: &Host) -> i64 {
    let kept_ms = i64::try_from(host.batch.kept_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
    host.now_unix_ms().saturating_add(kept_ms)
}
