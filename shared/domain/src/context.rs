use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{MunicipalityCode, OperatorId, RequestId, TerminalId};

/// Who does something, under which request, when.
///
/// Built in two places only: the gate of a service and its background tasks.  Holds no logger, no
/// database handle and no clock, so it can be compared and written by hand in a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpContext {
    pub actor: Actor,
    pub request: RequestId,
    pub at: OffsetDateTime,
    pub recorded: Recorded,
}

impl OpContext {
    pub fn new(actor: Actor, request: RequestId, at: OffsetDateTime) -> Self {
        Self { actor, request, at, recorded: Recorded::default() }
    }
}

/// Whether the line that says how an operation ended is durable; copies of one context share it.
///
/// Says nothing about who does what, so contexts are compared without it.
#[derive(Clone, Debug, Default)]
pub struct Recorded(Arc<AtomicBool>);

impl Recorded {
    /// Said by whoever has just committed the line.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl PartialEq for Recorded {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Recorded {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A logged-in person at a registered terminal of a municipality.
    Operator { id: OperatorId, municipality: MunicipalityCode, role: Role, terminal: TerminalId },
    /// A logged-in person of national operations: onboarding and operators, never personal data.
    National { id: OperatorId, terminal: TerminalId },
    /// A registered terminal before anybody has logged in; `None` means national operations.
    Terminal { municipality: Option<MunicipalityCode>, terminal: TerminalId },
    /// A municipality's own system, such as its ledger, proven by its certificate.
    System { municipality: MunicipalityCode, system: TerminalId },
    /// A tablet at a venue, proven by its certificate.
    Device { municipality: MunicipalityCode, device: TerminalId },
    /// Another service, proven by its certificate.
    Service { kind: ServiceKind, instance: String },
}

impl Actor {
    /// Whose actor this is; nations and services belong to none.
    pub fn municipality(&self) -> Option<MunicipalityCode> {
        match self {
            Self::Operator { municipality, .. }
            | Self::System { municipality, .. }
            | Self::Device { municipality, .. } => Some(*municipality),
            Self::Terminal { municipality, .. } => *municipality,
            Self::National { .. } | Self::Service { .. } => None,
        }
    }
}

/// What an operator may be registered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    Clerk,
    Supervisor,
    /// National operations; belongs to no municipality.
    National,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Supervisor => "supervisor",
            Self::National => "national",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Clerk, Self::Supervisor, Self::National].into_iter().find(|r| r.as_str() == text)
    }
}

/// The services that have a certificate of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    Registry,
    Partition,
    Broker,
    ProvisionLog,
    Intake,
}

impl ServiceKind {
    pub const ALL: [Self; 5] =
        [Self::Registry, Self::Partition, Self::Broker, Self::ProvisionLog, Self::Intake];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Partition => "partition",
            Self::Broker => "broker",
            Self::ProvisionLog => "provision-log",
            Self::Intake => "intake",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
