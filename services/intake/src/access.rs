//! One line for each request: who asked for what, and how it ended.
//!
//! What a device hands in has its line in the transaction that keeps it; every other line is written
//! by the gate's recorder before the answer leaves.

use domain::{Action, Actor, MunicipalityCode, OpContext, RequestId};
use service::{ApiError, Ended, problems};
use time::OffsetDateTime;
use tokio::sync::oneshot;

use crate::intake::Intake;
use crate::writer::{Job, Wanted};

/// A line before it has its place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at_unix_ms: i64,
    pub(crate) municipality: Option<MunicipalityCode>,
    /// Absent if nothing is proven.
    pub(crate) caller: Option<String>,
    pub(crate) act: String,
    pub(crate) request: String,
    /// Captures that were kept, and those that were not, each with its reason in the answer.
    pub(crate) kept: usize,
    pub(crate) refused: usize,
    pub(crate) result: &'static str,
}

impl Line {
    /// Of a call that the gate let in.
    pub(crate) fn of(context: &OpContext, action: Action) -> Self {
        let OpContext { actor, request, at, .. } = context;
        Self::begin(Some(actor), Some(action), (request, *at))
    }

    /// Of a call that has ended without a line of its own.
    pub(crate) fn ended(Ended { actor, action, request, at, problem }: &Ended) -> Self {
        let line = Self::begin(actor.as_ref(), *action, (request, *at));
        Self { result: problem.unwrap_or(line.result), ..line }
    }

    fn begin(
        actor: Option<&Actor>,
        action: Option<Action>,
        (request, at): (&RequestId, OffsetDateTime),
    ) -> Self {
        Self {
            at_unix_ms: crate::unix_ms(at),
            municipality: actor.and_then(Actor::municipality),
            caller: actor.map(caller),
            act: action.map_or("NoSuchEndpoint".to_owned(), |action| format!("{action:?}")),
            request: request.to_string(),
            kept: 0,
            refused: 0,
            result: "done",
        }
    }
}

/// Nobody logs in here: every caller is a machine.
fn caller(actor: &Actor) -> String {
    match actor {
        Actor::Device { device, .. } => format!("device/{device}"),
        Actor::Service { kind, instance } => format!("{kind}/{instance}"),
        Actor::System { system, .. } => format!("system/{system}"),
        Actor::Terminal { terminal, .. }
        | Actor::Operator { terminal, .. }
        | Actor::National { terminal, .. } => format!("terminal/{terminal}"),
    }
}

impl Intake {
    /// Writes the line of a request that has none; durable when this returns.
    pub(crate) async fn record(&self, ended: &Ended) -> Result<(), ApiError> {
        match is_poll(ended) {
            true => Ok(()),
            false => self.write(Wanted { line: Line::ended(ended), handed: None }).await,
        }
    }

    /// Hands something to the writer and waits until it is durable.
    pub(crate) async fn write(&self, wanted: Wanted) -> Result<(), ApiError> {
        let unavailable = || ApiError::new(&problems::UNAVAILABLE);
        let places = u32::try_from(wanted.size()).map_err(|_| unavailable())?;
        let places = std::sync::Arc::clone(&self.places).try_acquire_many_owned(places);
        let places = places.map_err(|_| unavailable())?;
        let (done, written) = oneshot::channel();
        self.jobs.try_send(Job { wanted, done, places }).map_err(|_| unavailable())?;
        written.await.map_err(|_| ApiError::new(&problems::UNKNOWN_OUTCOME))?
    }
}

/// Partitions ask for captures every few seconds, and what they took has its lines in their rooms'
/// logs; whoever may not have them gets a line.
fn is_poll(Ended { action, problem, .. }: &Ended) -> bool {
    *action == Some(Action::FetchCaptures) && problem.is_none()
}
