use db::{DbError, Tx};
use diesel::prelude::*;
use domain::{Actor, OpContext, OperatorId};

use super::schema::access_log;
use super::{place, unix_ms};

/// One line of the access log: who, when, from which terminal, what, with which result.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = access_log, treat_none_as_default_value = false)]
pub(crate) struct Access {
    at_ms: i64,
    operator: Option<String>,
    service: Option<String>,
    municipality: Option<String>,
    terminal: Option<String>,
    action: String,
    object: Option<String>,
    result: &'static str,
    request: String,
}

impl Access {
    /// A line without its result.
    pub(crate) fn of(context: &OpContext, action: &str, object: Option<&str>) -> Self {
        let (operator, service, municipality, terminal) = match &context.actor {
            Actor::Operator { id, municipality, terminal, .. } => {
                (Some(id), None, Some(place(Some(*municipality))), Some(terminal))
            }
            Actor::National { id, terminal } => (Some(id), None, Some(place(None)), Some(terminal)),
            Actor::Terminal { municipality, terminal } => {
                (None, None, Some(place(*municipality)), Some(terminal))
            }
            Actor::Service { kind, instance } => {
                (None, Some(format!("{kind}/{instance}")), None, None)
            }
        };
        Self {
            at_ms: unix_ms(context.at),
            operator: operator.map(|id| id.as_str().to_owned()),
            service,
            municipality,
            terminal: terminal.map(|id| id.as_str().to_owned()),
            action: action.to_owned(),
            object: object.map(str::to_owned),
            result: "",
            request: context.request.as_str().to_owned(),
        }
    }

    /// The same line naming an operator; only one that is registered, never what somebody typed.
    pub(crate) fn by(self, operator: Option<&OperatorId>) -> Self {
        Self { operator: operator.map(|id| id.as_str().to_owned()), ..self }
    }
}

/// Appends; there is no other way to write here, and nothing in this service reads.
pub(crate) fn access_append(
    tx: &mut Tx,
    access: &Access,
    result: &'static str,
) -> Result<(), DbError> {
    let line = Access { result, ..access.clone() };
    diesel::insert_into(access_log::table).values(line).execute(tx)?;
    Ok(())
}
