use service::problems::{TOO_MANY, UNAVAILABLE, inquiry};
use service::{ApiError, Directory};
use time::OffsetDateTime;
use wire::broker::BrokerAnswer;

use crate::admit::{Rules, admit};
use crate::in_flight::{Full, Place};
use crate::route::{ask_source, find_source};
use crate::settle::{Decision, settle};
use crate::state::{Attempt, Broker};
use crate::{authentic, filler};

/// Routes one inquiry: judge, permit, ask the source, put on record, release.
pub(crate) async fn inquire(broker: &Broker, attempt: &Attempt) -> Result<BrokerAnswer, ApiError> {
    let now = broker.clock.now();
    let directory = broker
        .participants
        .directory(now.unix_timestamp())
        .map_err(|error| ApiError::caused(&UNAVAILABLE, error))?;
    let _place = make_room(broker, &directory, attempt, now)?;
    let decision = decide(broker, &directory, attempt, now).await?;
    settle(broker, attempt, decision).await
}

/// Turns away what is too much, before it is looked at: such an inquiry has not begun, so there is
/// nothing to put on record.
///
/// Only a host uses up what its own municipalities may.  Anybody else takes a common place, and has
/// few of them: each is refused on record, and nobody may bury the log.
fn make_room(
    broker: &Broker,
    directory: &Directory,
    attempt: &Attempt,
    now: OffsetDateTime,
) -> Result<Place, ApiError> {
    let inquirer = attempt.inquiry.header.inquirer;
    let is_host = authentic::is_host(directory, &attempt.instance, inquirer);
    let place = broker.in_flight.enter(is_host.then_some(inquirer)).map_err(|full| match full {
        Full::Everybody => {
            broker.counters.turned_away("in_flight");
            ApiError::new(&inquiry::OVERLOADED)
        }
        Full::Inquirer => {
            broker.counters.turned_away("in_flight_per_municipality");
            ApiError::new(&TOO_MANY).retry_after_s(1)
        }
    })?;
    let (is_within, limit) = match is_host {
        true if attempt.is_batch => (broker.take_batch_rate(inquirer, now), "batch_requests_per_s"),
        true => (broker.take_rate(&attempt.operator(), now), "requests_per_s"),
        false => (broker.take_strangers_rate(&attempt.instance, now), "strangers_per_s"),
    };
    if !is_within {
        broker.counters.turned_away(limit);
        return Err(ApiError::new(&TOO_MANY).retry_after_s(1));
    }
    Ok(place)
}

async fn decide(
    broker: &Broker,
    directory: &Directory,
    attempt: &Attempt,
    now: OffsetDateTime,
) -> Result<Decision, ApiError> {
    let permissions = broker.permissions.current();
    let rules = Rules {
        directory,
        permissions: &permissions,
        clock_s_max: broker.limits.clock_s_max,
        now,
        blocked_s: broker.blocked_s(&attempt.operator(), now),
    };
    if let Err(refusal) = admit(&rules, attempt) {
        let reason = refusal.reason.as_str();
        tracing::warn!(instance = attempt.instance, reason, "inquiry refused");
        return Ok(Decision::Refused(refusal));
    }
    let Some(source) = find_source(directory, attempt.inquiry.header.provider, now) else {
        let sealed = filler::make_random().into();
        return Ok(Decision::Nothing { routed: false, sealed });
    };
    let permit = broker.permit_key.issue(attempt, now.unix_timestamp())?;
    Ok(ask_source(&broker.hosts, source, attempt, permit).await)
}
