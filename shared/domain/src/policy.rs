//! Who may do what to whose data: one table, read by every service.
//!
//! Code that acts never decides.  A service's gate asks [`may`] before any handler runs; the
//! handler asks [`authorize`] for a [`Permit`], and every store function of a room demands one.
//! The permit carries the municipality, so it is also the `WHERE` clause.

pub use crate::action::Action;
use crate::{Actor, MunicipalityCode, OpContext, Role, ServiceKind};

/// The kinds of callers the table knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Clerk,
    Supervisor,
    National,
    Terminal,
    /// A municipality's own system, such as its ledger.
    System,
    /// A tablet at a venue.
    Device,
    Registry,
    Partition,
    Broker,
    ProvisionLog,
    Intake,
}

impl Party {
    pub const ALL: [Self; 11] = [
        Self::Clerk,
        Self::Supervisor,
        Self::National,
        Self::Terminal,
        Self::System,
        Self::Device,
        Self::Registry,
        Self::Partition,
        Self::Broker,
        Self::ProvisionLog,
        Self::Intake,
    ];

    pub fn of(actor: &Actor) -> Option<Self> {
        Some(match actor {
            Actor::Operator { role: Role::Clerk, .. } => Self::Clerk,
            Actor::Operator { role: Role::Supervisor, .. } => Self::Supervisor,
            // A national role never comes with a municipality; whoever claims so is nobody.
            Actor::Operator { role: Role::National, .. } => return None,
            Actor::National { .. } => Self::National,
            Actor::Terminal { .. } => Self::Terminal,
            Actor::System { .. } => Self::System,
            Actor::Device { .. } => Self::Device,
            Actor::Service { kind, .. } => match kind {
                ServiceKind::Registry => Self::Registry,
                ServiceKind::Partition => Self::Partition,
                ServiceKind::Broker => Self::Broker,
                ServiceKind::ProvisionLog => Self::ProvisionLog,
                ServiceKind::Intake => Self::Intake,
            },
        })
    }
}

/// Whose data a party may do an action to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The room of the party's own municipality.
    Own,
    /// Any room, or something that belongs to no room.
    Any,
}

/// Services look after each other; of people only national operations and whoever is at a terminal.
const HEALTH_READERS: [(Party, Reach); 7] = [
    (Party::National, Reach::Any),
    (Party::Registry, Reach::Any),
    (Party::Partition, Reach::Any),
    (Party::Broker, Reach::Any),
    (Party::ProvisionLog, Reach::Any),
    (Party::Intake, Reach::Any),
    (Party::Terminal, Reach::Any),
];

/// The table itself.  A new action does not compile until it is decided here; a party that is not
/// written is refused.
fn parties(action: Action) -> &'static [(Party, Reach)] {
    use Party::{
        Broker, Clerk, Device, Intake, National, Partition, ProvisionLog, Supervisor, System,
        Terminal,
    };
    use Reach::{Any, Own};
    match action {
        Action::ReadHealth => &HEALTH_READERS,
        Action::LogIn => &[(Terminal, Any)],
        Action::LogOut => &[(Clerk, Any), (Supervisor, Any), (National, Any)],
        Action::ReadDirectory | Action::ReadRevocations => {
            &[(Partition, Any), (Broker, Any), (ProvisionLog, Any), (Intake, Any)]
        }
        Action::RegisterMunicipality
        | Action::RegisterTerminal
        | Action::RevokeTerminal
        | Action::RegisterOperator
        | Action::SuspendOperator
        | Action::SubmitOrder => &[(National, Any)],
        Action::ReadAccessLog => &[(Supervisor, Own), (National, Any)],
        Action::PublishKeys
        | Action::RouteInquiry
        | Action::ReadOutcomes
        | Action::WitnessLog
        | Action::ExpireAnswers
        | Action::ReviewOperations
        | Action::RouteNotice
        | Action::KeepDevices
        | Action::FetchCaptures
        | Action::RunJobs => &[(Partition, Any)],
        Action::RegisterSubject
        | Action::RegisterVaccination
        | Action::CorrectVaccination
        | Action::FlagSubject
        | Action::PrepareImport
        | Action::SearchImmunizations => &[(Clerk, Own), (Supervisor, Own), (System, Own)],
        Action::AskTransferIn
        | Action::ReadInquiry
        | Action::AskBatch
        | Action::ReadBatch
        | Action::ReadRecords
        | Action::AdoptRecords
        | Action::ReadNotices
        | Action::ReadQuarantine
        | Action::DecideQuarantine => &[(Clerk, Own), (Supervisor, Own)],
        Action::ExportRecords => &[(Supervisor, Own), (System, Own)],
        Action::WithholdSubject
        | Action::ReadProvisions
        | Action::ReadOperationLog
        | Action::Disclose
        | Action::ReadReconciliation
        | Action::InspectOperations
        | Action::ReleaseOperator
        | Action::ApproveImport
        | Action::StateCompleteness
        | Action::ReviewHeld
        | Action::ReleaseHeld
        | Action::ManageDevices
        | Action::ReadErasures
        | Action::ProposeErasure
        | Action::ApproveErasure
        | Action::HoldErasure
        | Action::RotateKeys
        | Action::CloseRoom
        | Action::DiscloseAll => &[(Supervisor, Own)],
        Action::SendCapture => &[(Device, Own)],
        Action::ProvideRecords | Action::AppendOutcome | Action::ReceiveNotice => &[(Broker, Any)],
        Action::ReadCheckpoint => {
            &[(Partition, Any), (Broker, Any), (National, Any), (Terminal, Any)]
        }
    }
}

/// May this actor do `action` at all?  The gate's question, before anything is read or parsed.
pub fn may(actor: &Actor, action: Action) -> bool {
    reach(actor, action).is_some()
}

fn reach(actor: &Actor, action: Action) -> Option<Reach> {
    let party = Party::of(actor)?;
    parties(action).iter().find(|(allowed, _)| *allowed == party).map(|(_, reach)| *reach)
}

/// Whether some party that must log in (clerk, supervisor, national) may do this.
pub fn needs_log_in(action: Action) -> bool {
    let logs_in =
        |party: Party| matches!(party, Party::Clerk | Party::Supervisor | Party::National);
    !matches!(action, Action::ReadHealth | Action::ReadCheckpoint)
        && parties(action).iter().any(|(party, _)| logs_in(*party))
}

/// Proof that `action` on the data of `municipality` was allowed for this operation.
///
/// Cannot be built outside this module.
#[derive(Clone, Debug)]
#[must_use]
pub struct Permit {
    action: Action,
    municipality: MunicipalityCode,
    context: OpContext,
}

impl Permit {
    pub fn action(&self) -> Action {
        self.action
    }

    pub fn municipality(&self) -> MunicipalityCode {
        self.municipality
    }

    pub fn context(&self) -> &OpContext {
        &self.context
    }

    /// A store function's first line: the permit in hand is for this very action.
    pub fn expect_action(&self, action: Action) -> Result<(), Denied> {
        if self.action == action { Ok(()) } else { Err(Denied { action }) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not allowed: {action:?}")]
pub struct Denied {
    pub action: Action,
}

/// May this actor do `action` to the data that `owner` keeps?
pub fn authorize(
    context: &OpContext,
    action: Action,
    owner: MunicipalityCode,
) -> Result<Permit, Denied> {
    let own = context.actor.municipality();
    match reach(&context.actor, action) {
        Some(Reach::Own) if own == Some(owner) => {}
        Some(Reach::Any) => {}
        Some(Reach::Own) | None => return Err(Denied { action }),
    }
    Ok(Permit { action, municipality: owner, context: context.clone() })
}

/// The whole policy as a table that a council member can read; `own` is the party's municipality.
pub fn table() -> String {
    let mut text = format!("{:<22}{:<14}{:<5}{}\n", "ACTION", "PARTY", "own", "other");
    for action in Action::ALL {
        for party in Party::ALL {
            let found = parties(action).iter().find(|(allowed, _)| *allowed == party);
            let (own, other) = match found.map(|(_, reach)| reach) {
                Some(Reach::Own) => ("yes", "-"),
                Some(Reach::Any) => ("yes", "yes"),
                None => continue,
            };
            text.push_str(&format!(
                "{:<22}{:<14}{own:<5}{other}\n",
                format!("{action:?}"),
                format!("{party:?}")
            ));
        }
    }
    text
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
