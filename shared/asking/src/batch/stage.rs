//! The file is taken apart into rows, each with the inquiry id it keeps for ever.
//!
//! Some hundred rows at a time, so that a room's clerks need not wait for a whole file.  After a
//! crash it goes on behind the last row that is there.

use std::sync::Arc;
use std::time::Duration;

use domain::law::day_in_japan;
use domain::{Action, Permit};
use interchange::{Checked, Checker, Options, Row};
use room::operation_log::entry;
use room::store::batch::{Batch, Change};
use room::store::batch_row::{Fault, Question, Staged};
use room::{Host, Room, store};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::batch::BatchState;

use super::{Batches, about};

/// Rows of one transaction.
const ROWS_MAX: usize = 500;
/// What can't be done now is tried again after this.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs for as long as the service lives.
pub async fn run(host: Arc<Host>, batches: Arc<Batches>) {
    host.rooms.keys().for_each(|room| batches.to_stage.ask(*room));
    loop {
        let municipality = batches.to_stage.next().await;
        if let Ok(room) = host.room(municipality)
            && let Err(error) = stage_room(&host, &batches, &room).await
        {
            let code = error.kind().code;
            tracing::warn!(code, %municipality, "a batch's rows are not staged yet");
            tokio::time::sleep(PAUSE).await;
            batches.to_stage.ask(municipality);
        }
        batches.to_stage.done(municipality);
    }
}

async fn stage_room(host: &Host, batches: &Batches, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let states = [BatchState::Checked, BatchState::Running];
    let list = move |tx: &mut db::Tx, permit: &Permit| store::batch::list(tx, permit, &states);
    let found = host.read("partition.batch-list", &permit, list).await?;
    for batch in found.into_iter().filter(|batch| !batch.is_staged()) {
        stage(host, batches, room, batch).await?;
    }
    Ok(())
}

async fn stage(host: &Host, batches: &Batches, room: &Room, batch: Batch) -> Result<(), ApiError> {
    let _place = batches.files.acquire().await.map_err(|_| ApiError::new(&common::UNAVAILABLE))?;
    let permit = host.job(Action::RunJobs, room)?;
    let today = day_in_japan(host.clock.now());
    let (keys, from) = (room.keys()?, batch.clone());
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let file = store::batch::file(tx, &keys, permit, from.id)?;
        rows(&file, Options { municipality: None, today }, from.staged_rows)
    };
    let rows = host.read("partition.batch-stage", &permit, read).await?;
    for (nth, chunk) in rows.chunks(ROWS_MAX).enumerate() {
        if !keep(room, &permit, (batch.id, chunk.to_vec())).await? {
            return Ok(());
        }
        // The first rows are asked while the others are still put in their places.
        if nth.is_multiple_of(10) {
            batches.wake(room.municipality);
        }
    }
    let (id, permit) = (batch.id, permit.clone());
    room.queue
        .write(move |tx, acts| {
            if store::batch::erase_parts(tx, &permit, id)? > 0 {
                acts.add(entry(&permit, about(id), "uploaded file deleted"));
            }
            Ok(())
        })
        .await?;
    batches.wake(room.municipality);
    Ok(())
}

/// `false` if the batch was cancelled meanwhile.
async fn keep(
    room: &Room,
    permit: &Permit,
    (batch, rows): (Uuid, Vec<Staged>),
) -> Result<bool, ApiError> {
    let (keys, permit) = (room.keys()?, permit.clone());
    room.queue
        .write(move |tx, _| {
            let Some(found) = store::batch::find(tx, &permit, batch)? else { return Ok(false) };
            let is_open = matches!(found.state, BatchState::Checked | BatchState::Running);
            let last = rows.last().map_or(0, |(row, _)| *row);
            let is_next =
                rows.first().is_some_and(|(row, _)| u64::from(*row) == found.staged_rows + 1);
            if !is_open || !is_next {
                return Ok(false);
            }
            store::batch_row::insert(tx, &keys, &permit, (batch, &rows))?;
            let change = Change { staged_rows: Some(i64::from(last)), ..Change::default() };
            store::batch::advance(tx, &permit, (batch, found.state, found.state), &change)
        })
        .await
}

/// The rows behind those that are there already.
fn rows(file: &[u8], options: Options, staged_rows: u64) -> Result<Vec<Staged>, ApiError> {
    let unreadable = |_| ApiError::new(&common::INTERNAL);
    let mut checker = Checker::open(file, options).map_err(unreadable)?;
    let mut rows = Vec::new();
    let mut number: u32 = 0;
    while let Some(row) = checker.next_row().map_err(unreadable)? {
        number = number.saturating_add(1);
        if u64::from(number) > staged_rows {
            rows.push((number, question(row)));
        }
    }
    Ok(rows)
}

fn question(row: Checked) -> Result<Question, Fault> {
    match row {
        Ok(Row::Batch(row)) => Ok(Question {
            individual_number: row.individual_number,
            provider: row.provider,
            address_number: row.address_number.map(|number| number.reveal().to_owned()),
            reference: row.reference.map(|text| text.reveal().to_owned()),
        }),
        Ok(_) => Err((interchange::Reason::WrongColumns.code(), None)),
        Err(problems) => Err(problems
            .first()
            .map_or((interchange::Reason::WrongColumns.code(), None), |problem| {
                (problem.reason.code(), problem.column)
            })),
    }
}
