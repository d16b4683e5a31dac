//! Problems only the provision log has.

use service::problems::ProblemKind;
use wire::Owner;

pub static ALREADY_SETTLED: ProblemKind = ProblemKind {
    code: "already-settled",
    status: 409,
    title: "This inquiry has already ended, in another way.",
    owner: Owner::Asker,
    next_step: "Ask again with a new inquiry id.",
};

pub static PERMIT_REUSED: ProblemKind = ProblemKind {
    code: "permit-reused",
    status: 409,
    title: "This permit already stands in the log, for something else.",
    owner: Owner::Platform,
    next_step: "Nothing was released. Tell the operator of the platform the request id.",
};

pub static LOG_DIVERGED: ProblemKind = ProblemKind {
    code: "log-diverged",
    status: 503,
    title: "The stored provision log is not what was signed; nothing is released.",
    owner: Owner::Platform,
    next_step: "Tell the operator of the platform: the database must be reconciled first.",
};

pub static ALL: [&ProblemKind; 3] = [&ALREADY_SETTLED, &PERMIT_REUSED, &LOG_DIVERGED];
