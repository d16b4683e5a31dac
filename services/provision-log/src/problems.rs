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

pub static LOG_UNWITNESSED: ProblemKind = ProblemKind {
    code: "log-unwitnessed",
    status: 503,
    title: "Too few municipalities watch the provision log, so nothing is taken in.",
    owner: Owner::Platform,
    next_step: "Send the same request again later; the operator of the platform finds out why the \
                witnesses are silent.",
};

pub static ROUND_OVER: ProblemKind = ProblemKind {
    code: "round-over",
    status: 409,
    title: "This checkpoint is not being cosigned any more.",
    owner: Owner::Asker,
    next_step: "Fetch the checkpoint that is being cosigned now, and cosign that.",
};

pub static UNLAWFUL_ORDER: ProblemKind = ProblemKind {
    code: "unlawful-order",
    status: 422,
    title: "The order is not lawful as it stands, so it was not written down.",
    owner: Owner::Asker,
    next_step: "Correct the named part and have the order signed anew; docs/LOG_FORMAT.md, section \
                7, says what is lawful.",
};

pub static ALL: [&ProblemKind; 6] = [
    &ALREADY_SETTLED,
    &PERMIT_REUSED,
    &LOG_DIVERGED,
    &LOG_UNWITNESSED,
    &ROUND_OVER,
    &UNLAWFUL_ORDER,
];
