//! The job that checks files: one at a time in a room, in as many rooms at once as there are cores.
//!
//! A check that was cut off by a crash begins anew by itself: what it had staged is taken away first.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use domain::{Action, MunicipalityCode};
use room::Host;
use service::{ApiError, problems as common};
use tokio::runtime::Handle;

use crate::check::{self, Job};
use crate::{discard, store};

/// After a failure that may pass.
const PAUSE: Duration = Duration::from_secs(2);
const WORKERS_MAX: usize = 8;

/// Runs for as long as the service lives.
pub async fn run(host: Arc<Host>) {
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers: Vec<_> =
        (0..workers.min(WORKERS_MAX)).map(|_| tokio::spawn(work(Arc::clone(&host)))).collect();
    // Dropped with this task, they end with it.
    let _workers = Workers(workers);
    // What a crash has cut off is still marked as being checked.
    host.rooms.keys().for_each(|room| host.imports.ask(*room));
    let every = Duration::from_secs(host.limits.expire_every_s.max(1));
    loop {
        tokio::time::sleep(every).await;
        for room in host.open_rooms() {
            if let Err(error) = discard::expire(&host, room).await {
                tracing::warn!(code = error.kind().code, "files past their time not deleted");
            }
        }
    }
}

struct Workers(Vec<tokio::task::JoinHandle<()>>);

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn work(host: Arc<Host>) {
    loop {
        let municipality = host.imports.next().await;
        if let Err(error) = check_next(&host, municipality).await {
            tracing::warn!(code = error.kind().code, %municipality, "file not checked, once more");
            tokio::time::sleep(PAUSE).await;
            host.imports.ask(municipality);
        }
        host.imports.done(municipality);
    }
}

/// Checks the file of a room that has waited longest; the next one is asked for if there is one.
async fn check_next(host: &Arc<Host>, municipality: MunicipalityCode) -> Result<(), ApiError> {
    // Closed: nothing is left to be checked.
    let Ok(room) = host.room(municipality) else { return Ok(()) };
    let permit = host.job(Action::RunJobs, &room)?;
    let next = |tx: &mut db::Tx, permit: &domain::Permit| {
        let Some(file) = store::file::next_to_check(tx, permit)? else { return Ok(None) };
        Ok(Some((file, store::register::has_vouchers(tx, permit)?)))
    };
    let Some((file, has_vouchers)) = host.read("imports.next", &permit, next).await? else {
        return Ok(());
    };
    let job = Job::new(Arc::clone(host), room, (permit, file, has_vouchers), Handle::current())?;
    let done = tokio::task::spawn_blocking(move || check::check(job)).await;
    done.map_err(|error| ApiError::caused(&common::INTERNAL, error))??;
    host.imports.ask(municipality);
    Ok(())
}
