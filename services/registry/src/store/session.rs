use db::{DbError, Tx};
use diesel::prelude::*;
use domain::{OperatorId, TerminalId};
use time::OffsetDateTime;
use uuid::Uuid;

use super::schema::{operator, session};
use super::unix_ms;

/// How long a session is kept after its token's end.
const KEPT_S: i64 = 86_400;

#[derive(Clone)]
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) operator: OperatorId,
    pub(crate) place: String,
    pub(crate) terminal: TerminalId,
    pub(crate) begun_at: OffsetDateTime,
    pub(crate) expires_at_unix_s: i64,
}

/// Begins a session, unless the operator has been suspended in the meantime.
pub(crate) fn session_begin(tx: &mut Tx, new: &NewSession) -> Result<bool, DbError> {
    let begun_at_ms = unix_ms(new.begun_at);
    let active =
        operator::table.find(new.operator.as_str()).filter(operator::suspended_at_ms.is_null());
    // The update takes the row's lock, so a suspension comes before or after, never in between.
    let found =
        diesel::update(active).set(operator::last_log_in_at_ms.eq(begun_at_ms)).execute(tx)?;
    if found == 0 {
        return Ok(false);
    }
    let old = session::table
        .filter(session::operator.eq(new.operator.as_str()))
        .filter(session::expires_at_unix_s.lt(new.begun_at.unix_timestamp() - KEPT_S));
    diesel::delete(old).execute(tx)?;
    diesel::insert_into(session::table)
        .values((
            session::id.eq(new.id.as_bytes().as_slice()),
            session::operator.eq(new.operator.as_str()),
            session::municipality.eq(&new.place),
            session::terminal.eq(new.terminal.as_str()),
            session::begun_at_ms.eq(begun_at_ms),
            session::expires_at_unix_s.eq(new.expires_at_unix_s),
        ))
        .execute(tx)?;
    Ok(true)
}

/// Ends a session once; says whether it was still going on.
pub(crate) fn session_end(tx: &mut Tx, id: Uuid, at: OffsetDateTime) -> Result<bool, DbError> {
    let open = session::table.find(id.as_bytes().as_slice()).filter(session::ended_at_ms.is_null());
    let ended = diesel::update(open).set(session::ended_at_ms.eq(unix_ms(at))).execute(tx)?;
    Ok(ended > 0)
}
