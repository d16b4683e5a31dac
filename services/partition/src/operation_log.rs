//! Lines of the operation log: who, when, from which terminal, whose data, what, why, with which
//! result (C101, C112).

use domain::{Actor, OpContext, Permit};
use service::{ApiError, problems};
use uuid::Uuid;
use wire::partition::OperationEntry;

/// What an act was about.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) purpose: String,
    pub(crate) subject: Option<Uuid>,
    pub(crate) inquiry: Option<Uuid>,
}

/// The line for an act under a permit.
pub(crate) fn entry(permit: &Permit, about: About, result: &'static str) -> OperationEntry {
    let OpContext { actor, request, at } = permit.context();
    let (actor, terminal) = names(actor);
    OperationEntry {
        at_unix_ms: unix_ms(*at),
        actor,
        terminal,
        act: format!("{:?}", permit.action()),
        purpose: about.purpose,
        subject: about.subject,
        inquiry: about.inquiry,
        result: result.to_owned(),
        request: request.to_string(),
    }
}

fn names(actor: &Actor) -> (String, String) {
    match actor {
        Actor::Operator { id, terminal, .. } | Actor::National { id, terminal } => {
            (id.to_string(), terminal.to_string())
        }
        Actor::Terminal { terminal, .. } => ("-".to_owned(), terminal.to_string()),
        Actor::Service { kind, instance } => (format!("{kind}/{instance}"), "-".to_owned()),
    }
}

/// The bytes that are the leaves of the log.
pub(crate) fn bodies(entries: &[OperationEntry]) -> Result<Vec<Vec<u8>>, ApiError> {
    let to_bytes = |entry| serde_json::to_vec(entry);
    let bodies: Result<_, _> = entries.iter().map(to_bytes).collect();
    bodies.map_err(|error| ApiError::caused(&problems::INTERNAL, error))
}

/// Milliseconds since 1970; times of the far future are cut to the largest number.
pub(crate) fn unix_ms(at: time::OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
