//! Lines of the operation log: who, when, from which terminal, whose data, what, why, with which
//! result (C101, C112).
//!
//! Every request leaves exactly one line that says how it ended, durable before the answer leaves.
//! A handler adds it to the transaction of its act; `record` writes those that no handler wrote.

use domain::{Actor, OpContext, Permit, Recorded, RequestId};
use service::{ApiError, Ended, problems};
use time::OffsetDateTime;
use uuid::Uuid;
use wire::partition::OperationEntry;

use crate::host::Host;
use crate::room::Room;

/// What an act was about.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub purpose: String,
    pub subject: Option<Uuid>,
    pub inquiry: Option<Uuid>,
}

/// A line on its way into the log.
#[derive(Clone, Debug)]
pub struct Line {
    pub entry: OperationEntry,
    recorded: Option<Recorded>,
}

impl Line {
    /// A line of an act that has only begun: another one will say how it ended.
    pub fn begun(self) -> Self {
        Self { recorded: None, ..self }
    }

    /// Said after the commit.
    pub fn is_durable(&self) {
        self.recorded.iter().for_each(Recorded::set);
    }
}

/// The line that says how an act under a permit ended.
pub fn entry(permit: &Permit, about: About, result: &str) -> Line {
    let OpContext { actor, request, at, recorded } = permit.context();
    let names = names(Some(actor));
    let act = format!("{:?}", permit.action());
    Line {
        entry: line((names, act), (request, *at), about, result),
        recorded: Some(recorded.clone()),
    }
}

fn line(
    ((actor, terminal), act): ((String, String), String),
    (request, at): (&RequestId, OffsetDateTime),
    about: About,
    result: &str,
) -> OperationEntry {
    OperationEntry {
        at_unix_ms: unix_ms(at),
        actor,
        terminal,
        act,
        purpose: about.purpose,
        subject: about.subject,
        inquiry: about.inquiry,
        result: result.to_owned(),
        request: request.to_string(),
    }
}

/// Who acts under a permit, as the log names them.
pub fn actor(permit: &Permit) -> String {
    names(Some(&permit.context().actor)).0
}

/// Operator or service, and terminal; a hyphen for what is not known.
fn names(actor: Option<&Actor>) -> (String, String) {
    let nobody = || "-".to_owned();
    match actor {
        Some(Actor::Operator { id, terminal, .. } | Actor::National { id, terminal }) => {
            (id.to_string(), terminal.to_string())
        }
        Some(Actor::Terminal { terminal, .. }) => (nobody(), terminal.to_string()),
        Some(Actor::System { system, .. }) => (format!("system/{system}"), nobody()),
        Some(Actor::Device { device, .. }) => (format!("device/{device}"), nobody()),
        Some(Actor::Service { kind, instance }) => (format!("{kind}/{instance}"), nobody()),
        None => (nobody(), nobody()),
    }
}

/// Writes down a refusal that names an inquiry, before the caller hears of it; what is already
/// written stays the only line.
pub async fn conclude<T>(
    room: &Room,
    permit: &Permit,
    about: About,
    done: Result<T, ApiError>,
) -> Result<T, ApiError> {
    if let Err(error) = &done
        && !permit.context().recorded.is_set()
        && !error.is_database_away()
    {
        room.queue.add(entry(permit, about, error.kind().code)).await?;
    }
    done
}

/// Writes the line of a request that has none yet: in the caller's own room or, if that is not one
/// of ours, in the instance's own log (C118).
pub async fn record(host: &Host, ended: Ended) -> Result<(), ApiError> {
    let own = ended.actor.as_ref().and_then(Actor::municipality);
    let room = own.and_then(|municipality| host.rooms.get(&municipality));
    let room = room.filter(|room| !room.is_closed());
    let queue = room.map_or(&host.own_log, |room| &room.queue);
    let act = ended.action.map_or_else(|| "-".to_owned(), |action| format!("{action:?}"));
    let names = names(ended.actor.as_ref());
    let result = ended.problem.unwrap_or("done");
    let entry = line((names, act), (&ended.request, ended.at), About::default(), result);
    queue.add(Line { entry, recorded: None }).await
}

/// The bytes that are the leaves of the log.
pub fn bodies(lines: &[Line]) -> Result<Vec<Vec<u8>>, ApiError> {
    let bodies: Result<_, _> = lines.iter().map(|line| serde_json::to_vec(&line.entry)).collect();
    bodies.map_err(|error| ApiError::caused(&problems::INTERNAL, error))
}

/// Milliseconds since 1970; times of the far future are cut to the largest number.
pub fn unix_ms(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
