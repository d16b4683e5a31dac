//! A supervisor lets an operator ask again whom an inspection had stopped.

use domain::{Action, Actor, OperatorId, Permit};
use service::{ApiError, problems as common};
use wire::partition::ReleaseOperator;

use room::Host;
use room::operation_log::{About, entry};
use room::store;

/// Nobody releases themselves; the release says who did it.
pub(crate) async fn release(
    host: &Host,
    permit: Permit,
    request: ReleaseOperator,
) -> Result<ReleaseOperator, ApiError> {
    permit.expect_action(Action::ReleaseOperator)?;
    let room = host.room(permit.municipality())?;
    let operator = OperatorId::parse(&request.operator).map_err(|_| ApiError::field("operator"))?;
    let by = match &permit.context().actor {
        Actor::Operator { id, .. } if *id != operator => id.clone(),
        _ => return Err(ApiError::new(&common::DENIED)),
    };
    let is_released = room
        .queue
        .write(move |tx, acts| {
            let word = (operator.as_str(), false);
            let is_news = store::operator_hold::set(tx, &permit, word, by.as_str())?;
            let result = if is_news { "released" } else { common::NOT_FOUND.code };
            // Only who was held is named: else any text would stand in the log.
            let purpose = if is_news { operator.to_string() } else { String::new() };
            acts.add(entry(&permit, About { purpose, ..About::default() }, result));
            Ok(is_news)
        })
        .await?;
    is_released.then_some(request).ok_or_else(|| ApiError::new(&common::NOT_FOUND))
}
