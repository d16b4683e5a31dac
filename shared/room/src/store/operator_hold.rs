use std::collections::BTreeMap;

use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;

use super::failed;
use super::schema::operator_hold;

/// The newest word about an operator: when, and whether inquiries are held.
fn newest(tx: &mut Tx, permit: &Permit, operator: &str) -> Result<Option<(i64, bool)>, ApiError> {
    operator_hold::table
        .filter(operator_hold::municipality.eq(permit.municipality().as_str()))
        .filter(operator_hold::operator.eq(operator))
        .order(operator_hold::at_unix_ms.desc())
        .select((operator_hold::at_unix_ms, operator_hold::held))
        .first(tx)
        .optional()
        .map_err(failed)
}

pub fn is_held(tx: &mut Tx, permit: &Permit, operator: &str) -> Result<bool, ApiError> {
    Ok(newest(tx, permit, operator)?.is_some_and(|(_, held)| held))
}

/// Holds or releases an operator, with the rule or the supervisor that did it; answers whether that
/// is news.
pub fn set(
    tx: &mut Tx,
    permit: &Permit,
    (operator, held): (&str, bool),
    by: &str,
) -> Result<bool, ApiError> {
    let (last, was_held) = newest(tx, permit, operator)?.unwrap_or((i64::MIN, false));
    if was_held == held {
        return Ok(false);
    }
    // The newest row counts, whatever the clock does.
    let now = crate::operation_log::unix_ms(permit.context().at);
    diesel::insert_into(operator_hold::table)
        .values((
            operator_hold::municipality.eq(permit.municipality().as_str()),
            operator_hold::operator.eq(operator),
            operator_hold::at_unix_ms.eq(now.max(last.saturating_add(1))),
            operator_hold::held.eq(held),
            operator_hold::rule.eq(by),
        ))
        .execute(tx)
        .map_err(failed)?;
    Ok(true)
}

/// Operators whose inquiries are held now.
pub fn list(tx: &mut Tx, permit: &Permit) -> Result<Vec<String>, ApiError> {
    let rows: Vec<(String, bool)> = operator_hold::table
        .filter(operator_hold::municipality.eq(permit.municipality().as_str()))
        .order((operator_hold::operator, operator_hold::at_unix_ms))
        .select((operator_hold::operator, operator_hold::held))
        .load(tx)
        .map_err(failed)?;
    let newest: BTreeMap<String, bool> = rows.into_iter().collect();
    Ok(newest.into_iter().filter_map(|(operator, held)| held.then_some(operator)).collect())
}
