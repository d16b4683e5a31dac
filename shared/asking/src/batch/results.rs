//! The results, page by page as the answers come, for a program or as a table.

use domain::{Action, Permit};
use interchange::batch_result;
use room::operation_log::entry;
use room::{Host, store};
use service::{ApiError, problems as common};
use wire::batch::{
    BatchFile, BatchResults, BatchState, PAGE_ROWS_MAX, ReadResults, RowOutcome, RowResult,
};

use super::{Batches, about, problems};

pub(super) async fn results(
    host: &Host,
    batches: &Batches,
    permit: Permit,
    wanted: ReadResults,
) -> Result<BatchResults, ApiError> {
    page(host, batches, (permit, "results shown"), wanted).await
}

/// The same as a piece of a CSV file; the first piece begins with the header.
pub(super) async fn file(
    host: &Host,
    batches: &Batches,
    permit: Permit,
    wanted: ReadResults,
) -> Result<BatchFile, ApiError> {
    let is_first = wanted.from_row <= 1;
    let BatchResults { rows, next_row } =
        page(host, batches, (permit, "result file written"), wanted).await?;
    let mut text = if is_first { batch_result::header() } else { String::new() };
    rows.iter().for_each(|row| text.push_str(&lines(row)));
    Ok(BatchFile { text, next_row })
}

async fn page(
    host: &Host,
    batches: &Batches,
    (permit, said): (Permit, &'static str),
    wanted: ReadResults,
) -> Result<BatchResults, ApiError> {
    permit.expect_action(Action::ReadBatch)?;
    let room = host.room(permit.municipality())?;
    if !(1..=PAGE_ROWS_MAX).contains(&wanted.limit) {
        return Err(ApiError::field("limit"));
    }
    let (keys, asked) = (room.keys()?, wanted.clone());
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let Some(batch) = store::batch::find(tx, permit, asked.batch)? else { return Ok(None) };
        let rows = store::batch_row::page(tx, &keys, permit, &asked)?;
        Ok(Some((batch, rows)))
    };
    let found = host.read("partition.batch-results", &permit, read).await?;
    let (batch, mut rows) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    if batch.state == BatchState::Expired {
        return Err(ApiError::new(&problems::EXPIRED));
    }
    let silent = |row: &RowResult| {
        row.provider.is_some_and(|code| batches.sources().silent_since_unix_ms(code).is_some())
    };
    for row in rows.iter_mut().filter(|row| row.outcome == RowOutcome::Pending) {
        row.outcome = match batch.state {
            BatchState::Cancelled => RowOutcome::Cancelled,
            BatchState::Running if silent(row) => RowOutcome::Unavailable,
            _ => RowOutcome::Pending,
        };
    }
    // Rows that are not in their places yet come on a later page.
    let next = rows.last().map_or(wanted.from_row.max(1), |last| last.row.saturating_add(1));
    let next_row = (u64::from(next) <= batch.rows).then_some(next);
    room.queue.add(entry(&permit, about(wanted.batch), said)).await?;
    Ok(BatchResults { rows, next_row })
}

/// One line, or one for each dose.
fn lines(row: &RowResult) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = row.row.to_string();
    let provider = row.provider.map(|code| code.to_string()).unwrap_or_default();
    let (address, reference) = (text(&row.address_number), text(&row.reference));
    let (reason, column) = (text(&row.reason), text(&row.column));
    let line = |dose: [&str; 7]| {
        let [nth, date, maker, lot, product, kind, venue] = dose;
        let outcome = row.outcome.as_str();
        batch_result::line([
            &number, &address, &reference, &provider, outcome, &reason, &column, nth, date, maker,
            lot, product, kind, venue,
        ])
    };
    if row.vaccinations.is_empty() {
        return line([""; 7]);
    }
    let of_dose = |dose: &domain::vaccination::Vaccination| {
        let (nth, date) = (dose.dose_number.to_string(), dose.date.to_string());
        let [product, kind, venue] = [&dose.product, &dose.vaccine_kind, &dose.venue].map(text);
        line([&nth, &date, &dose.maker, &dose.lot, &product, &kind, &venue])
    };
    row.vaccinations.iter().map(of_dose).collect()
}
