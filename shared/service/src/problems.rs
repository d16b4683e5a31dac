//! Every error a caller can meet, as a catalogue of fixed sentences.
//!
//! Services add their own kinds as constants of the same type.  No sentence is ever made from what
//! a caller sent.

pub mod inquiry;

use wire::Owner;

/// A kind of problem: what the caller reads and can program against.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// A stable word.
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
    pub owner: Owner,
    pub next_step: &'static str,
}

pub static MALFORMED: ProblemKind = ProblemKind {
    code: "malformed",
    status: 400,
    title: "The request does not have the agreed shape.",
    owner: Owner::Asker,
    next_step: "Correct the named field; if none is named, the body is not one JSON document, or has a \
                field that is not known.  The API description (watari openapi) gives the shape.",
};

pub static UNAUTHENTICATED: ProblemKind = ProblemKind {
    code: "unauthenticated",
    status: 401,
    title: "Sign in first.",
    owner: Owner::Asker,
    next_step: "Log in at a registered terminal and send the token with the request; check the address, \
                too: one that does not exist is answered alike.",
};

pub static DENIED: ProblemKind = ProblemKind {
    code: "denied",
    status: 403,
    title: "Not allowed.",
    owner: Owner::Asker,
    next_step: "Ask a supervisor of your municipality whether your role should allow this.",
};

pub static NOT_FOUND: ProblemKind = ProblemKind {
    code: "not-found",
    status: 404,
    title: "There is no such thing in your room.",
    owner: Owner::Asker,
    next_step: "Check the id; answers to inquiries are deleted after their time.",
};

pub static CONFLICT: ProblemKind = ProblemKind {
    code: "conflict",
    status: 409,
    title: "This is already registered, with other content.",
    owner: Owner::Asker,
    next_step: "Read what is registered and correct that instead.",
};

pub static TOO_LARGE: ProblemKind = ProblemKind {
    code: "too-large",
    status: 413,
    title: "The request is larger than this endpoint takes.",
    owner: Owner::Asker,
    next_step: "Send less at once.",
};

pub static TOO_SLOW: ProblemKind = ProblemKind {
    code: "too-slow",
    status: 408,
    title: "The request's body did not arrive in time.",
    owner: Owner::Asker,
    next_step: "Send the request again, all at once.",
};

pub static TOO_MANY: ProblemKind = ProblemKind {
    code: "too-many",
    status: 429,
    title: "Too many requests in this short time.",
    owner: Owner::Asker,
    next_step: "Wait as long as Retry-After says, then send the request again.",
};

pub static UNAVAILABLE: ProblemKind = ProblemKind {
    code: "unavailable",
    status: 503,
    title: "The platform cannot act right now; nothing was lost.",
    owner: Owner::Platform,
    next_step: "Send the same request again, with the same id, in a few seconds.",
};

pub static UNKNOWN_OUTCOME: ProblemKind = ProblemKind {
    code: "unknown-outcome",
    status: 503,
    title: "It is not known yet whether this was kept.",
    owner: Owner::Platform,
    next_step: "Send the same request again with the same id: it will not be done twice.",
};

pub static INTERNAL: ProblemKind = ProblemKind {
    code: "internal",
    status: 500,
    title: "Something went wrong on our side.",
    owner: Owner::Platform,
    next_step: "Tell the operator of the platform the request id.",
};

/// The catalogue, for the docs and for the tests.
pub static ALL: [&ProblemKind; 11] = [
    &MALFORMED,
    &UNAUTHENTICATED,
    &DENIED,
    &NOT_FOUND,
    &CONFLICT,
    &TOO_LARGE,
    &TOO_SLOW,
    &TOO_MANY,
    &UNAVAILABLE,
    &UNKNOWN_OUTCOME,
    &INTERNAL,
];
