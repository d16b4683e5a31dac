use db::{DbError, Tx};
use diesel::prelude::*;
use domain::{MunicipalityCode, OperatorId, Role};
use time::OffsetDateTime;

use super::schema::operator;
use super::{place, unix_ms, unreadable};

/// A registered person, as log-in needs to know.
#[derive(Clone)]
pub(crate) struct Operator {
    pub(crate) id: OperatorId,
    pub(crate) place: String,
    pub(crate) role: Role,
    pub(crate) password_hash: String,
    pub(crate) is_suspended: bool,
    pub(crate) last_log_in_at_ms: Option<i64>,
}

#[derive(Clone)]
pub(crate) struct NewOperator {
    pub(crate) id: OperatorId,
    pub(crate) municipality: Option<MunicipalityCode>,
    pub(crate) role: Role,
    pub(crate) password_hash: String,
}

/// Place, role, password hash, suspended, last logged in.
type Row = (String, String, String, Option<i64>, Option<i64>);

pub(crate) fn operator_find(tx: &mut Tx, id: &OperatorId) -> Result<Option<Operator>, DbError> {
    let row: Option<Row> = operator::table
        .find(id.as_str())
        .select((
            operator::municipality,
            operator::role,
            operator::password_hash,
            operator::suspended_at_ms,
            operator::last_log_in_at_ms,
        ))
        .first(tx)
        .optional()?;
    let Some((place, role, password_hash, suspended_at_ms, last_log_in_at_ms)) = row else {
        return Ok(None);
    };
    Ok(Some(Operator {
        id: id.clone(),
        place,
        role: Role::parse(&role).ok_or_else(unreadable)?,
        password_hash,
        is_suspended: suspended_at_ms.is_some(),
        last_log_in_at_ms,
    }))
}

/// Says whether anybody is registered at all.
pub(crate) fn operator_any(tx: &mut Tx) -> Result<bool, DbError> {
    let first: Option<String> =
        operator::table.select(operator::id).limit(1).first(tx).optional()?;
    Ok(first.is_some())
}

pub(crate) fn operator_insert(
    tx: &mut Tx,
    new: &NewOperator,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::insert_into(operator::table)
        .values((
            operator::id.eq(new.id.as_str()),
            operator::municipality.eq(place(new.municipality)),
            operator::role.eq(new.role.as_str()),
            operator::password_hash.eq(&new.password_hash),
            operator::registered_at_ms.eq(unix_ms(at)),
        ))
        .execute(tx)?;
    Ok(())
}

pub(crate) fn operator_suspend(
    tx: &mut Tx,
    id: &OperatorId,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::update(operator::table.find(id.as_str()))
        .set(operator::suspended_at_ms.eq(unix_ms(at)))
        .execute(tx)?;
    Ok(())
}
