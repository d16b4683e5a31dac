//! Deletes the rows of batches whose time is over, and writes down that it did.

use domain::{Action, Permit};
use room::operation_log::entry;
use room::store::batch::{Batch, Change};
use room::{Host, Room, store};
use service::ApiError;
use wire::batch::BatchState;

use super::about;

/// Rows of one transaction.
const ROWS_MAX: u32 = 5_000;

pub async fn erase(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let now_unix_ms = host.now_unix_ms();
    let list = |tx: &mut db::Tx, permit: &Permit| {
        let states = [
            BatchState::Uploading,
            BatchState::Checked,
            BatchState::Stopped,
            BatchState::Done,
            BatchState::Cancelled,
        ];
        store::batch::list(tx, permit, &states)
    };
    let found = host.read("partition.batch-list", &permit, list).await?;
    for batch in found.into_iter().filter(|batch| batch.expires_at_unix_ms <= now_unix_ms) {
        erase_one(room, &host.job(Action::RunJobs, room)?, batch).await?;
    }
    Ok(())
}

async fn erase_one(room: &Room, permit: &Permit, batch: Batch) -> Result<(), ApiError> {
    let rows = u32::try_from(batch.rows).unwrap_or(u32::MAX);
    let mut up_to = 0;
    while up_to < rows {
        up_to = up_to.saturating_add(ROWS_MAX).min(rows);
        let (permit, place) = (permit.clone(), (batch.id, up_to));
        room.queue
            .write(move |tx, _| store::batch_row::erase(tx, &permit, place).map(drop))
            .await?;
    }
    let permit = permit.clone();
    room.queue
        .write(move |tx, acts| {
            let parts = store::batch::erase_parts(tx, &permit, batch.id)?;
            let step = (batch.id, batch.state, BatchState::Expired);
            if store::batch::advance(tx, &permit, step, &Change::default())? {
                let said = format!("batch deleted: {rows} rows, {parts} parts");
                acts.add(entry(&permit, about(batch.id), &said));
            }
            Ok(())
        })
        .await
}
