use db::{Tx, on_engine};
use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use domain::{MunicipalityCode, TerminalId};
use service::ApiError;
use uuid::Uuid;
use wire::intake::{CaptureName, WaitingCapture};

use super::schema::capture;
use super::{ROWS_MAX, broken_row, failed};

#[derive(Insertable)]
#[diesel(table_name = capture)]
pub(crate) struct NewCapture<'a> {
    pub(crate) municipality: &'a str,
    pub(crate) device: &'a str,
    pub(crate) id: &'a [u8],
    pub(crate) seq: i64,
    pub(crate) sealed: &'a [u8],
    pub(crate) received_at_unix_ms: i64,
}

/// Keeps captures; one that is here already stays as it came first.
pub(crate) fn insert(tx: &mut Tx, captures: &[NewCapture<'_>]) -> Result<(), ApiError> {
    let into = || diesel::insert_into(capture::table);
    match tx {
        // One statement, prepared once, is as fast as many rows in one: nothing goes over a line.
        Tx::Sqlite(c) => captures
            .iter()
            .try_for_each(|row| into().values(row).on_conflict_do_nothing().execute(c).map(drop)),
        Tx::Postgres(c) => captures
            .chunks(ROWS_MAX)
            .try_for_each(|rows| into().values(rows).on_conflict_do_nothing().execute(c).map(drop)),
    }
    .map_err(failed)
}

pub(crate) fn last_seq(tx: &mut Tx) -> Result<i64, ApiError> {
    let last: Option<i64> = capture::table.select(max(capture::seq)).first(tx).map_err(failed)?;
    Ok(last.unwrap_or(0))
}

/// How many captures of each device wait.
pub(crate) fn waiting(tx: &mut Tx) -> Result<Vec<(String, String, i64)>, ApiError> {
    let query = capture::table.group_by((capture::municipality, capture::device)).select((
        capture::municipality,
        capture::device,
        count_star(),
    ));
    query.load(tx).map_err(failed)
}

type Row = (String, Vec<u8>, i64, Vec<u8>, i64);

/// A municipality's captures in the order of arrival.
pub(crate) fn fetch(
    tx: &mut Tx,
    municipality: MunicipalityCode,
    (after, limit): (u64, u16),
) -> Result<Vec<WaitingCapture>, ApiError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows: Vec<Row> = capture::table
        .filter(capture::municipality.eq(municipality.as_str()))
        .filter(capture::seq.gt(after))
        .order(capture::seq)
        .limit(i64::from(limit))
        .select((
            capture::device,
            capture::id,
            capture::seq,
            capture::sealed,
            capture::received_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    let read = |(device, id, seq, sealed, received_at_unix_ms): Row| {
        Ok(WaitingCapture {
            device: TerminalId::parse(&device).map_err(|_| broken_row())?,
            id: Uuid::from_slice(&id).map_err(|_| broken_row())?,
            sequence: u64::try_from(seq).map_err(|_| broken_row())?,
            sealed: sealed.into(),
            received_at_unix_ms,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Takes captures away that their municipality has; those of one device in one statement.
pub(crate) fn forget(
    tx: &mut Tx,
    municipality: MunicipalityCode,
    captures: &[CaptureName],
) -> Result<(), ApiError> {
    let mut by_device: std::collections::BTreeMap<&str, Vec<&[u8]>> = Default::default();
    for one in captures {
        by_device.entry(one.device.as_str()).or_default().push(one.id.as_bytes().as_slice());
    }
    for (device, ids) in by_device {
        let gone = diesel::delete(
            capture::table
                .filter(capture::municipality.eq(municipality.as_str()))
                .filter(capture::device.eq(device))
                .filter(capture::id.eq_any(ids)),
        );
        on_engine!(tx, c => gone.execute(c)).map_err(failed)?;
    }
    Ok(())
}
