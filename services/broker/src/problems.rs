//! What the broker says when an inquiry does not end in an answer.

use domain::Reason;
use service::problems::ProblemKind;
use wire::Owner;

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
    next_step: "Check procedure, legal basis, consent and the source municipality.",
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

/// The catalogue, for the docs and for the tests.
pub static ALL: [&ProblemKind; 9] = [
    &NOT_AUTHENTIC,
    &OUT_OF_TIME,
    &TOO_MANY_MISMATCHES,
    &NOT_PERMITTED,
    &SOURCE_REFUSED,
    &SOURCE_UNAVAILABLE,
    &LOG_UNAVAILABLE,
    &ALREADY_SETTLED,
    &OVERLOADED,
];

/// What the asker is told for the reason that the log keeps.
pub(crate) fn of(reason: Reason) -> &'static ProblemKind {
    match reason {
        Reason::NotPermitted => &NOT_PERMITTED,
        Reason::NotAuthentic => &NOT_AUTHENTIC,
        Reason::TooMany => &TOO_MANY_MISMATCHES,
        Reason::OutOfTime => &OUT_OF_TIME,
        Reason::SourceUnavailable => &SOURCE_UNAVAILABLE,
        Reason::SourceRefused => &SOURCE_REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_code_also_beside_the_shared_ones() {
        let shared = service::problems::ALL.into_iter();
        let mut codes: Vec<_> = shared.chain(ALL).map(|kind| kind.code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(ALL.iter().all(|kind| kind.next_step.ends_with('.')));
    }
}
