//! The file is checked as a whole; only then is anything asked.

use domain::law::day_in_japan;
use domain::{Action, Permit};
use interchange::{Checker, FileKind, Options};
use room::operation_log::{conclude, entry};
use room::store::batch::{Batch, Change};
use room::{Host, Room, store};
use service::problems::ProblemKind;
use service::{ApiError, problems as common};
use wire::batch::{BatchState, BatchStatus, ROWS_MAX, StartBatch};

use super::upload::is_submitter;
use super::{Batches, about, expiry, find, problems, status};

/// Starts a batch, or lets a stopped one go on.
///
/// A file in which some row can't be used is not asked for until the submitter says that those rows
/// may be left out: a clerk who sends a hundred thousand rows wants to know first.
pub(super) async fn start(
    host: &Host,
    batches: &Batches,
    permit: Permit,
    request: StartBatch,
) -> Result<BatchStatus, ApiError> {
    permit.expect_action(Action::AskBatch)?;
    let room = host.room(permit.municipality())?;
    let id = request.batch;
    let started = start_in(host, batches, (&room, &permit), request).await;
    conclude(&room, &permit, about(id), started).await?;
    batches.to_stage.ask(room.municipality);
    batches.wake(room.municipality);
    status::of(host, batches, &permit, id).await
}

async fn start_in(
    host: &Host,
    batches: &Batches,
    (room, permit): (&Room, &Permit),
    request: StartBatch,
) -> Result<(), ApiError> {
    let batch = find(host, permit, request.batch).await?;
    if !is_submitter(&batch, permit) {
        return Err(ApiError::new(&problems::NOT_SUBMITTER));
    }
    let now_unix_ms = host.now_unix_ms();
    let started_at_unix_ms = Some(now_unix_ms);
    let run = |change: Change| (BatchState::Running, Change { started_at_unix_ms, ..change });
    let (to, change) = match batch.state {
        // Its rows may be going already.
        BatchState::Uploading | BatchState::Checked | BatchState::Stopped
            if batch.expires_at_unix_ms <= now_unix_ms =>
        {
            return Err(ApiError::new(&problems::EXPIRED));
        }
        BatchState::Cancelled | BatchState::Expired => {
            return Err(ApiError::new(&problems::CLOSED));
        }
        BatchState::Running | BatchState::Done => (batch.state, Change::default()),
        BatchState::Stopped => {
            (BatchState::Running, Change { stopped_because: Some(None), ..Change::default() })
        }
        BatchState::Checked if request.skip_bad_rows => run(Change::default()),
        BatchState::Checked => (BatchState::Checked, Change::default()),
        BatchState::Uploading => {
            let (rows, bad_rows) = check(host, batches, (room, permit), &batch).await?;
            let counted =
                Change { rows: Some(rows), bad_rows: Some(bad_rows), ..Change::default() };
            match bad_rows == 0 || request.skip_bad_rows {
                true => run(counted),
                false => {
                    let expires_at_unix_ms = Some(expiry(host));
                    (BatchState::Checked, Change { expires_at_unix_ms, ..counted })
                }
            }
        }
    };
    let (permit, step) = (permit.clone(), (batch.id, batch.state, to));
    room.queue
        .write(move |tx, acts| {
            // Somebody else may have taken the same step, or cancelled: the status says so.
            let is_news = store::batch::advance(tx, &permit, step, &change)?;
            let result = match step {
                _ if !is_news => "batch changed meanwhile",
                (_, from, to) if from == to => "batch looked at",
                (.., BatchState::Checked) => "batch checked",
                _ => "batch started",
            };
            acts.add(entry(&permit, about(step.0), result));
            Ok(())
        })
        .await
}

/// Counts the rows of the file and those that can't be used.
async fn check(
    host: &Host,
    batches: &Batches,
    (room, permit): (&Room, &Permit),
    batch: &Batch,
) -> Result<(i64, i64), ApiError> {
    let _place = batches.files.acquire().await.map_err(|_| ApiError::new(&common::UNAVAILABLE))?;
    let today = day_in_japan(host.clock.now());
    let (keys, batch) = (room.keys()?, batch.clone());
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let file = store::batch::file(tx, &keys, permit, batch.id)?;
        let arrived = u64::try_from(file.len()).unwrap_or(u64::MAX);
        let fault = if arrived < batch.total_bytes {
            Some(&problems::INCOMPLETE)
        } else if crypto::sha256(&file).as_slice() != batch.sha256.as_slice() {
            Some(&problems::ALTERED)
        } else {
            None
        };
        Ok(match fault {
            Some(fault) => Err(fault),
            None => count(&file, Options { municipality: None, today }),
        })
    };
    let counted = host.read("partition.batch-check", permit, read).await?;
    counted.map_err(ApiError::new)
}

fn count(file: &[u8], options: Options) -> Result<(i64, i64), &'static ProblemKind> {
    let unreadable = |_| &problems::UNREADABLE;
    let mut checker = Checker::open(file, options).map_err(unreadable)?;
    if checker.kind() != FileKind::Batch {
        return Err(&problems::UNREADABLE);
    }
    let (mut rows, mut bad_rows) = (0, 0);
    while let Some(row) = checker.next_row().map_err(unreadable)? {
        rows += 1;
        bad_rows += i64::from(row.is_err());
    }
    let is_short = u64::try_from(rows).is_ok_and(|rows| rows <= ROWS_MAX);
    match rows {
        0 => Err(&problems::UNREADABLE),
        rows if is_short => Ok((rows, bad_rows)),
        _ => Err(&problems::TOO_LONG),
    }
}
