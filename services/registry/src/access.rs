use domain::{Actor, MunicipalityCode, OpContext, OperatorId, RequestId, TerminalId};
use service::Ended;
use time::OffsetDateTime;
use wire::registry::AccessLine;

use crate::store;

/// A line of the access log before it has its place in it: who, when, from where, what, how it
/// ended.
#[derive(Clone, Debug)]
pub(crate) struct Access(AccessLine);

impl Access {
    /// Somebody whom the gate let in, or a service at its own work.
    pub(crate) fn of(context: &OpContext, action: &str) -> Self {
        let OpContext { actor, request, at, .. } = context;
        Self::begin(Some(actor), request, *at).doing(action)
    }

    /// Somebody whose request ended without a line of its own.
    pub(crate) fn ended(ended: &Ended) -> Self {
        let Ended { actor, action, request, at, problem } = ended;
        let action = action.map_or("NoSuchEndpoint".to_owned(), |action| format!("{action:?}"));
        let line = Self::begin(actor.as_ref(), request, *at).doing(&action);
        line.with(problem.unwrap_or("done"))
    }

    fn begin(actor: Option<&Actor>, request: &RequestId, at: OffsetDateTime) -> Self {
        let (operator, service, terminal) = match actor {
            Some(Actor::Operator { id, municipality, terminal, .. }) => {
                (Some(id), None, Some((Some(*municipality), terminal)))
            }
            Some(Actor::National { id, terminal }) => (Some(id), None, Some((None, terminal))),
            Some(Actor::Terminal { municipality, terminal }) => {
                (None, None, Some((*municipality, terminal)))
            }
            Some(Actor::System { municipality, system: machine })
            | Some(Actor::Device { municipality, device: machine }) => {
                (None, None, Some((Some(*municipality), machine)))
            }
            Some(Actor::Service { kind, instance }) => {
                (None, Some(format!("{kind}/{instance}")), None)
            }
            None => (None, None, None),
        };
        let municipality = terminal.map(|(municipality, _)| store::place(municipality));
        Self(AccessLine {
            sequence: 0,
            at_unix_ms: store::unix_ms(at),
            operator: operator.cloned(),
            claimed: None,
            service,
            terminal: terminal.map(|(_, id): (Option<MunicipalityCode>, &TerminalId)| id.clone()),
            concerns: municipality.clone(),
            municipality,
            action: String::new(),
            object: None,
            result: String::new(),
            request: request.to_string(),
        })
    }

    fn doing(mut self, action: &str) -> Self {
        action.clone_into(&mut self.0.action);
        self
    }

    /// What it is done to; only ids that have been read as such, never what somebody typed.
    pub(crate) fn to(mut self, object: impl ToString) -> Self {
        self.0.object = Some(object.to_string());
        self
    }

    pub(crate) fn at_terminal(self, of: Option<MunicipalityCode>, terminal: &TerminalId) -> Self {
        let place = store::place(of);
        self.to(format!("{place}/{terminal}")).concerning(place)
    }

    /// Whose object that is.
    pub(crate) fn concerning(mut self, place: String) -> Self {
        self.0.concerns = Some(place);
        self
    }

    /// A registered operator, who has proven it or not.
    pub(crate) fn by(mut self, operator: &OperatorId, is_proven: bool) -> Self {
        let place = if is_proven { &mut self.0.operator } else { &mut self.0.claimed };
        *place = Some(operator.clone());
        self
    }

    /// How it ended.
    pub(crate) fn with(mut self, result: &str) -> Self {
        result.clone_into(&mut self.0.result);
        self
    }

    /// The line at its place.
    pub(crate) fn at(mut self, sequence: u64) -> AccessLine {
        self.0.sequence = sequence;
        self.0
    }
}
