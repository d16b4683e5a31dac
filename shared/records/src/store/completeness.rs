use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use room::operation_log::unix_ms;
use room::store::{broken_row, failed};
use service::ApiError;
use time::Date;
use time::format_description::well_known::Iso8601;
use wire::records::{Period, Statement};

use super::schema::completeness;

/// Shown at once; a municipality says so a few times a year.
const STATEMENTS_MAX: i64 = 1_000;

type Row = (i32, Option<String>, Option<String>, String, i64);

/// The statement that counts.
pub(crate) fn newest(tx: &mut Tx, permit: &Permit) -> Result<Option<Statement>, ApiError> {
    Ok(load(tx, permit, 1)?.into_iter().next())
}

/// Every statement, the newest first.
pub(crate) fn list(tx: &mut Tx, permit: &Permit) -> Result<Vec<Statement>, ApiError> {
    load(tx, permit, STATEMENTS_MAX)
}

fn load(tx: &mut Tx, permit: &Permit, rows_max: i64) -> Result<Vec<Statement>, ApiError> {
    let rows: Vec<Row> = completeness::table
        .filter(completeness::municipality.eq(permit.municipality().as_str()))
        .order(completeness::version.desc())
        .limit(rows_max)
        .select((
            completeness::version,
            completeness::complete_from,
            completeness::complete_up_to,
            completeness::stated_by,
            completeness::stated_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(read).collect()
}

fn read((version, from, up_to, operator, stated_at_unix_ms): Row) -> Result<Statement, ApiError> {
    let day = |text: String| Date::parse(&text, &Iso8601::DATE).map_err(|_| broken_row());
    let period = match (from, up_to) {
        (Some(from), Some(up_to)) => Some(Period { from: day(from)?, up_to: day(up_to)? }),
        (None, None) => None,
        _ => return Err(broken_row()),
    };
    let version = u32::try_from(version).map_err(|_| broken_row())?;
    Ok(Statement { version, period, operator, stated_at_unix_ms })
}

/// Adds the next statement.
pub(crate) fn add(
    tx: &mut Tx,
    permit: &Permit,
    period: Option<Period>,
    operator: &str,
) -> Result<Statement, ApiError> {
    let day = |day: Date| day.format(&Iso8601::DATE).map_err(|_| broken_row());
    let last = newest(tx, permit)?.map_or(0, |statement| statement.version);
    let version = last.saturating_add(1);
    let stated_at_unix_ms = unix_ms(permit.context().at);
    diesel::insert_into(completeness::table)
        .values((
            completeness::municipality.eq(permit.municipality().as_str()),
            completeness::version.eq(i32::try_from(version).map_err(|_| broken_row())?),
            completeness::complete_from.eq(period.map(|period| day(period.from)).transpose()?),
            completeness::complete_up_to.eq(period.map(|period| day(period.up_to)).transpose()?),
            completeness::stated_by.eq(operator),
            completeness::stated_at_unix_ms.eq(stated_at_unix_ms),
        ))
        .execute(tx)
        .map_err(failed)?;
    Ok(Statement { version, period, operator: operator.to_owned(), stated_at_unix_ms })
}
