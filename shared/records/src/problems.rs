//! Problems only these verbs have.

use service::ApiError;
use service::problems::ProblemKind;
use wire::Owner;

pub static VERSION_REQUIRED: ProblemKind = ProblemKind {
    code: "version-required",
    status: 428,
    title: "A change must name the version it is to follow.",
    owner: Owner::Asker,
    next_step: "Read the record and send its tag in the header If-Match.",
};

pub static SUPERSEDED: ProblemKind = ProblemKind {
    code: "superseded",
    status: 412,
    title: "Somebody has changed the record since it was read.",
    owner: Owner::Asker,
    next_step: "Read the record again, decide anew, and send the new tag in If-Match.",
};

pub static NOTHING_CHANGES: ProblemKind = ProblemKind {
    code: "nothing-changes",
    status: 422,
    title: "The record is like this already.",
    owner: Owner::Asker,
    next_step: "Nothing is left to do; read the record if in doubt.",
};

/// A "no" that is decided inside a transaction, where its line is written too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: &'static ProblemKind,
    field: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn field(name: &'static str) -> Self {
        Self { kind: &service::problems::MALFORMED, field: Some(name) }
    }

    pub(crate) fn field_name(self) -> Option<&'static str> {
        self.field
    }
}

impl From<&'static ProblemKind> for Refusal {
    fn from(kind: &'static ProblemKind) -> Self {
        Self { kind, field: None }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal.field {
            Some(name) => Self::field(name),
            None => Self::new(refusal.kind),
        }
    }
}
