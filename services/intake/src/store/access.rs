use db::{Tx, on_engine};
use diesel::dsl::max;
use diesel::prelude::*;
use domain::MunicipalityCode;
use service::ApiError;

use super::schema::access_log;
use super::{ROWS_MAX, failed};
use crate::access::Line;

#[derive(Insertable)]
#[diesel(table_name = access_log)]
struct Row<'a> {
    seq: i64,
    at_unix_ms: i64,
    municipality: Option<&'a str>,
    caller: Option<&'a str>,
    act: &'a str,
    kept: i32,
    refused: i32,
    result: &'a str,
    request: &'a str,
}

/// Adds lines behind the last one; only the one writer does.
pub(crate) fn tell(tx: &mut Tx, lines: &[Line]) -> Result<(), ApiError> {
    let last: Option<i64> =
        access_log::table.select(max(access_log::seq)).first(tx).map_err(failed)?;
    let count = |captures: usize| i32::try_from(captures).unwrap_or(i32::MAX);
    let rows = (last.unwrap_or(0) + 1..).zip(lines).map(|(seq, line)| Row {
        seq,
        at_unix_ms: line.at_unix_ms,
        municipality: line.municipality.as_ref().map(MunicipalityCode::as_str),
        caller: line.caller.as_deref(),
        act: &line.act,
        kept: count(line.kept),
        refused: count(line.refused),
        result: line.result,
        request: &line.request,
    });
    let rows: Vec<Row<'_>> = rows.collect();
    rows.chunks(ROWS_MAX)
        .try_for_each(|rows| {
            let insert = diesel::insert_into(access_log::table).values(rows);
            on_engine!(tx, c => insert.execute(c)).map(drop)
        })
        .map_err(failed)
}

/// What the log says: seq, caller, act, kept, refused, result.
#[cfg(test)]
pub(crate) type Said = (i64, Option<String>, String, i32, i32, String);

#[cfg(test)]
pub(crate) fn said(tx: &mut Tx) -> Result<Vec<Said>, ApiError> {
    let columns = (
        access_log::seq,
        access_log::caller,
        access_log::act,
        access_log::kept,
        access_log::refused,
        access_log::result,
    );
    access_log::table.order(access_log::seq).select(columns).load(tx).map_err(failed)
}
