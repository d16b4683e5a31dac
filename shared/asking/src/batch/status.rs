//! How a batch stands, and when it will be done.

use domain::{Action, Permit};
use room::operation_log::entry;
use room::store::batch::Batch;
use room::store::batch_row::Counts;
use room::{Host, store};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::batch::{
    BatchCounts, BatchState, BatchStatus, NameBatch, RowOutcome, SourceState, SourceStatus,
};

use super::{Batches, about};

/// A status is worth asking for again after a tenth of the time left, within these.
const AGAIN_S: std::ops::RangeInclusive<u64> = 1..=60;

pub(super) async fn read(
    host: &Host,
    batches: &Batches,
    permit: Permit,
    named: NameBatch,
) -> Result<BatchStatus, ApiError> {
    permit.expect_action(Action::ReadBatch)?;
    let room = host.room(permit.municipality())?;
    let status = of(host, batches, &permit, named.batch).await?;
    room.queue.add(entry(&permit, about(named.batch), "status shown")).await?;
    Ok(status)
}

/// After how many seconds it is worth asking again.
pub(super) fn again_s(status: &BatchStatus) -> u64 {
    let part = status.left_s.unwrap_or(0) / 10;
    part.clamp(*AGAIN_S.start(), *AGAIN_S.end())
}

pub(super) async fn of(
    host: &Host,
    batches: &Batches,
    permit: &Permit,
    id: Uuid,
) -> Result<BatchStatus, ApiError> {
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let Some(batch) = store::batch::find(tx, permit, id)? else { return Ok(None) };
        Ok(Some((batch, store::batch_row::count(tx, permit, id)?)))
    };
    let found = host.read("partition.batch-status", permit, read).await?;
    let (batch, rows) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let counts = counts(&batch, &rows);
    Ok(BatchStatus {
        batch: id,
        state: batch.state,
        counts,
        sources: sources(batches, &batch, &rows),
        left_s: left_s(&batch, counts, host.now_unix_ms()),
        stopped_because: batch.stopped_because,
        created_at_unix_ms: batch.created_at_unix_ms,
        started_at_unix_ms: batch.started_at_unix_ms,
        finished_at_unix_ms: batch.finished_at_unix_ms,
        expires_at_unix_ms: batch.expires_at_unix_ms,
    })
}

fn counts(batch: &Batch, rows: &Counts) -> BatchCounts {
    let of = |outcome: RowOutcome| {
        rows.values().filter_map(|states| states.get(outcome.as_str())).sum::<u64>()
    };
    let mut counts = BatchCounts {
        rows: batch.rows,
        bad_rows: batch.bad_rows,
        provided: of(RowOutcome::Provided),
        nothing: of(RowOutcome::Nothing),
        not_in_register: of(RowOutcome::NotInRegister),
        refused: of(RowOutcome::Refused),
        pending: 0,
    };
    let BatchCounts { bad_rows, provided, nothing, not_in_register, refused, .. } = counts;
    let ended = bad_rows + provided + nothing + not_in_register + refused;
    counts.pending = match batch.state {
        BatchState::Expired => 0,
        _ => batch.rows.saturating_sub(ended),
    };
    counts
}

fn sources(batches: &Batches, batch: &Batch, rows: &Counts) -> Vec<SourceStatus> {
    let known = batches.sources();
    let of_one = rows.iter().filter_map(|(code, states)| {
        let municipality = (*code)?;
        let rows = states.values().sum::<u64>();
        let waiting = states.get("waiting").copied().unwrap_or(0);
        let silent = known.silent_since_unix_ms(municipality);
        let silent = silent.filter(|_| waiting > 0 && batch.state == BatchState::Running);
        let state = match (waiting, silent) {
            (0, _) => SourceState::Done,
            (_, Some(_)) => SourceState::Unavailable,
            _ if batch.state == BatchState::Running && known.is_asked(municipality) => {
                SourceState::Asking
            }
            _ => SourceState::Waiting,
        };
        let done = rows - waiting;
        Some(SourceStatus { municipality, state, unavailable_since_unix_ms: silent, done, rows })
    });
    of_one.collect()
}

fn left_s(batch: &Batch, counts: BatchCounts, now_unix_ms: i64) -> Option<u64> {
    if batch.state != BatchState::Running {
        return None;
    }
    let done =
        counts.rows.checked_sub(counts.bad_rows + counts.pending).filter(|done| *done > 0)?;
    let passed_ms = u64::try_from(now_unix_ms - batch.started_at_unix_ms?).ok()?;
    Some(counts.pending.saturating_mul(passed_ms) / done / 1_000)
}
