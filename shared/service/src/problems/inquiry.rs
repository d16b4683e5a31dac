//! What the broker says when an inquiry does not end in an answer; the partition passes it on.

use wire::Owner;

use super::{ProblemKind, TOO_MANY, UNAVAILABLE, UNKNOWN_OUTCOME};

pub static NOT_AUTHENTIC: ProblemKind = ProblemKind {
    code: "not-authentic",
    status: 403,
    title: "The inquiry is not signed by the municipality it names as inquirer.",
    owner: Owner::Asker,
    next_step: "Ask your system's administrator whether the room's keys are published and in date.",
};

pub static OUT_OF_TIME: ProblemKind = ProblemKind {
    code: "out-of-time",
    status: 403,
    title: "The inquiry is too old or from the future.",
    owner: Owner::Asker,
    next_step: "Ask again with a new id; if it happens again, have the clock of your system set.",
};

pub static TOO_MANY_MISMATCHES: ProblemKind = ProblemKind {
    code: "too-many-mismatches",
    status: 429,
    title: "Too many of this operator's inquiries found nothing.",
    owner: Owner::Asker,
    next_step: "Check numbers and source municipalities; go on when Retry-After has passed.",
};

pub static NOT_PERMITTED: ProblemKind = ProblemKind {
    code: "not-permitted",
    status: 403,
    title: "The permission list does not allow this inquiry.",
    owner: Owner::Asker,
    next_step: "Check procedure, source municipality, legal basis and, where it needs it, the consent.",
};

pub static SOURCE_REFUSED: ProblemKind = ProblemKind {
    code: "source-refused",
    status: 403,
    title: "The source municipality refused the inquiry.",
    owner: Owner::Source,
    next_step: "Call the source municipality and tell it the request id.",
};

pub static SOURCE_UNAVAILABLE: ProblemKind = ProblemKind {
    code: "source-unavailable",
    status: 503,
    title: "The source municipality does not answer right now; this says nothing about the person.",
    owner: Owner::Source,
    next_step: "Ask again later with the same id.",
};

pub static LOG_UNAVAILABLE: ProblemKind = ProblemKind {
    code: "log-unavailable",
    status: 503,
    title: "The provision log can't be written, so nothing is released.",
    owner: Owner::Platform,
    next_step: "Send the same inquiry again, with the same id, in a few seconds.",
};

pub static ALREADY_SETTLED: ProblemKind = ProblemKind {
    code: "already-settled",
    status: 409,
    title: "An inquiry with this id has already ended, with another outcome.",
    owner: Owner::Asker,
    next_step: "Ask again with a new id.",
};

pub static OVERLOADED: ProblemKind = ProblemKind {
    code: "overloaded",
    status: 503,
    title: "The broker has more inquiries at hand than it takes.",
    owner: Owner::Platform,
    next_step: "Send the same inquiry again, with the same id, in a few seconds.",
};

pub static NO_SUCH_END: ProblemKind = ProblemKind {
    code: "no-such-end",
    status: 422,
    title: "No inquiry between these two municipalities ended so that this could follow it.",
    owner: Owner::Asker,
    next_step: "Nothing was put on record. Name an inquiry of the recipient's that the log has as \
                provided or, for a release, as nothing.",
};

/// The catalogue, for the docs and for the tests.
pub static ALL: [&ProblemKind; 10] = [
    &NOT_AUTHENTIC,
    &OUT_OF_TIME,
    &TOO_MANY_MISMATCHES,
    &NOT_PERMITTED,
    &SOURCE_REFUSED,
    &SOURCE_UNAVAILABLE,
    &LOG_UNAVAILABLE,
    &ALREADY_SETTLED,
    &OVERLOADED,
    &NO_SUCH_END,
];

/// The kind that another service named, if it is one that an asker may be told.
///
/// The sentences are ours, whatever that service wrote.
pub(crate) fn relayed(code: &str, status: u16) -> Option<&'static ProblemKind> {
    let shared = [&TOO_MANY, &UNAVAILABLE, &UNKNOWN_OUTCOME];
    let mut kinds = ALL.into_iter().chain(shared);
    kinds.find(|kind| kind.code == code && kind.status == status)
}
