//! What the broker says for the reason that the log keeps.

use domain::Reason;
use service::problems::ProblemKind;
use service::problems::inquiry::{
    NOT_AUTHENTIC, NOT_PERMITTED, OUT_OF_TIME, SOURCE_REFUSED, SOURCE_UNAVAILABLE,
    TOO_MANY_MISMATCHES,
};

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
