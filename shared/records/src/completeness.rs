//! What the municipality says of how complete its records are: it goes with everything provided.

use db::Tx;
use domain::law::day_in_japan;
use domain::{Action, Completeness, Permit};
use room::Host;
use room::operation_log::{About, entry};
use service::ApiError;
use wire::records::{StateCompleteness, Statement, Statements};

use crate::{operator, store};

/// States a period, or takes the last statement back; the earlier ones stay.
pub(crate) async fn state(
    host: &Host,
    permit: Permit,
    request: StateCompleteness,
) -> Result<Statement, ApiError> {
    permit.expect_action(Action::StateCompleteness)?;
    let room = host.room(permit.municipality())?;
    let operator = operator(&permit)?;
    let at = permit.context().at;
    let is_plausible = request.period.is_none_or(|period| {
        let (from, up_to) = (period.from, period.up_to);
        let stated = Completeness { from, up_to, stated_at_unix_s: at.unix_timestamp() };
        stated.is_plausible(day_in_japan(at))
    });
    if !is_plausible {
        return Err(ApiError::field("period"));
    }
    room.queue
        .write(move |tx, acts| {
            let stated = store::completeness::add(tx, &permit, request.period, operator.as_str())?;
            let result = if request.period.is_some() { "stated" } else { "taken back" };
            acts.add(entry(&permit, About::default(), result));
            Ok(stated)
        })
        .await
}

pub(crate) async fn read(host: &Host, permit: Permit) -> Result<Statements, ApiError> {
    permit.expect_action(Action::ReadRecords)?;
    let room = host.room(permit.municipality())?;
    let statements =
        host.read("partition.completeness", &permit, store::completeness::list).await?;
    room.queue.add(entry(&permit, About::default(), "completeness shown")).await?;
    Ok(Statements { statements })
}

/// What is said now, for whoever provides records in this transaction.
pub fn stated(tx: &mut Tx, permit: &Permit) -> Result<Option<Completeness>, ApiError> {
    let newest = store::completeness::newest(tx, permit)?;
    Ok(newest.and_then(|statement| {
        let period = statement.period?;
        let stated_at_unix_s = statement.stated_at_unix_ms.div_euclid(1_000);
        Some(Completeness { from: period.from, up_to: period.up_to, stated_at_unix_s })
    }))
}
