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
    let sources = sources(batches, &batch, &rows);
    Ok(BatchStatus {
        batch: id,
        state: batch.state,
        counts,
        left_s: left_s(&batch, counts, (&sources, host.now_unix_ms())),
        sources,
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

/// By the rate so far, for the rows of sources that answer: nobody can tell when the others will.
fn left_s(
    batch: &Batch,
    counts: BatchCounts,
    (sources, now_unix_ms): (&[SourceStatus], i64),
) -> Option<u64> {
    if batch.state != BatchState::Running {
        return None;
    }
    let is_away = |one: &&SourceStatus| one.state == SourceState::Unavailable;
    let away: u64 = sources.iter().filter(is_away).map(|one| one.rows - one.done).sum();
    let pending = counts.pending.checked_sub(away).filter(|pending| *pending > 0)?;
    let done =
        counts.rows.checked_sub(counts.bad_rows + counts.pending).filter(|done| *done > 0)?;
    let passed_ms = u64::try_from(now_unix_ms - batch.started_at_unix_ms?).ok()?;
    Some(pending.saturating_mul(passed_ms) / done / 1_000)
}

#[cfg(test)]
mod tests {
    use domain::{Confirmation, MunicipalityCode, OperatorId, Role, TerminalId};

    use super::*;

    fn batch() -> Batch {
        let municipality = MunicipalityCode::parse("072036").unwrap();
        Batch {
            id: Uuid::nil(),
            submitter: domain::Actor::Operator {
                id: OperatorId::parse("clerk-1").unwrap(),
                municipality,
                role: Role::Clerk,
                terminal: TerminalId::parse("t-1").unwrap(),
            },
            procedure: String::new(),
            legal_basis: String::new(),
            confirmation: Confirmation::ResidentRegister,
            total_bytes: 1,
            sha256: Vec::new(),
            state: BatchState::Running,
            stopped_because: None,
            rows: 110,
            bad_rows: 10,
            staged_rows: 110,
            created_at_unix_ms: 0,
            started_at_unix_ms: Some(1_000),
            finished_at_unix_ms: None,
            expires_at_unix_ms: i64::MAX,
        }
    }

    fn source(state: SourceState, done: u64, rows: u64) -> SourceStatus {
        let municipality = MunicipalityCode::parse("131211").unwrap();
        SourceStatus { municipality, state, unavailable_since_unix_ms: None, done, rows }
    }

    #[test]
    fn the_time_left_is_that_of_the_sources_that_answer() {
        let counts = |pending| BatchCounts {
            rows: 110,
            bad_rows: 10,
            provided: 100 - pending,
            pending,
            ..BatchCounts::default()
        };
        let left = |pending, sources: &[SourceStatus]| {
            left_s(&batch(), counts(pending), (sources, 11_000))
        };
        // Fifty rows in ten seconds.
        let asking = source(SourceState::Asking, 50, 100);
        assert_eq!(left(50, &[asking]), Some(10));
        let asking = source(SourceState::Asking, 50, 60);
        let away = source(SourceState::Unavailable, 0, 40);
        assert_eq!(left(50, &[asking, away.clone()]), Some(2));
        let done = source(SourceState::Done, 60, 60);
        assert_eq!(left(40, &[done, away]), None);
        assert_eq!(left(100, &[source(SourceState::Asking, 0, 100)]), None);
    }
}
