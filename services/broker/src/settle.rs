use domain::{Outcome, Reason, RequestId};
use service::ApiError;
use service::problems::inquiry;
use time::OffsetDateTime;
use wire::broker::BrokerAnswer;
use wire::provision_log::{Act, ENTRIES, End, Entry, LeafBody, Receipt};
use wire::{Base64Bytes, CallError};

use crate::admit::Refusal;
use crate::problems;
use crate::state::{Attempt, Broker};
use crate::wait;

/// How an inquiry ends, before anybody has been told.
#[derive(Debug)]
pub(crate) enum Decision {
    Provided {
        sealed: Base64Bytes,
        commitment: Base64Bytes,
    },
    /// `routed` is false where no room has the named code.
    Nothing {
        routed: bool,
        sealed: Base64Bytes,
    },
    Refused(Refusal),
    /// The source is not available; whether it has the person is not known.
    Failed,
}

impl Decision {
    fn end(&self) -> End {
        match self {
            Self::Provided { commitment, .. } => End::provided(commitment.clone()),
            Self::Nothing { .. } => End::nothing(),
            Self::Refused(refusal) => End::refused(refusal.reason),
            Self::Failed => End::failed(Reason::SourceUnavailable),
        }
    }
}

/// Why a decision is not on record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsettled {
    #[error("the inquiry has already ended with another outcome")]
    Already,
    #[error("the provision log did not take the entry")]
    Log(#[source] CallError),
    #[error("the receipt is not for this entry")]
    Receipt,
}

/// Puts the decision on record, and only then lets it out.
pub(crate) async fn settle(
    broker: &Broker,
    attempt: &Attempt,
    decision: Decision,
) -> Result<BrokerAnswer, ApiError> {
    let end = decision.end();
    tracing::Span::current().record("outcome", end.outcome.as_str());
    let (outcome, reason) = (end.outcome, end.reason);
    let receipt = match append(broker, attempt, end).await {
        Ok(receipt) => receipt,
        Err(error) => return Err(not_on_record(broker, attempt, outcome, error)),
    };
    broker.counters.ended(outcome, reason);
    match decision {
        Decision::Provided { sealed, .. } => Ok(BrokerAnswer { routed: true, sealed, receipt }),
        Decision::Nothing { routed, sealed } => {
            if !attempt.is_batch {
                broker.count_mismatch(&attempt.operator());
            }
            wait::until_release(attempt.received, broker.limits.quantum()).await;
            Ok(BrokerAnswer { routed, sealed, receipt })
        }
        Decision::Refused(Refusal { reason, retry_after_s }) => {
            let error = ApiError::new(problems::of(reason));
            Err(retry_after_s.into_iter().fold(error, ApiError::retry_after_s))
        }
        Decision::Failed => Err(ApiError::new(&inquiry::SOURCE_UNAVAILABLE)),
    }
}

async fn append(broker: &Broker, attempt: &Attempt, end: End) -> Result<Receipt, Unsettled> {
    let (header, permit) = (&attempt.inquiry.header, attempt.permit_id.clone());
    let entry = Entry::of(header, permit, end, unix_ms(broker.clock.now()));
    put_on_record(broker, &attempt.request, &entry).await
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms(at: OffsetDateTime) -> i64 {
    at.unix_timestamp() * 1_000 + i64::from(at.millisecond())
}

/// Has the log take the entry in; what it gives a receipt for must be this very entry.
pub(crate) async fn put_on_record(
    broker: &Broker,
    request: &RequestId,
    entry: &Entry,
) -> Result<Receipt, Unsettled> {
    let posted: Result<Receipt, CallError> = broker.log.post(ENTRIES, request, None, entry).await;
    let receipt = posted.map_err(|error| match error {
        CallError::Refused(problem) if problem.code == inquiry::ALREADY_SETTLED.code => {
            Unsettled::Already
        }
        error => Unsettled::Log(error),
    })?;
    is_for(&receipt, entry).then_some(receipt).ok_or(Unsettled::Receipt)
}

/// Whether the entry on record is ours, or that of an earlier attempt which settled the inquiry the
/// same way: then only permit and times may differ; of a notice, only the times.
fn is_for(receipt: &Receipt, ours: &Entry) -> bool {
    let kept = serde_json::from_str(&receipt.entry);
    let Ok(LeafBody { act: Act::Outcome(kept), .. }) = kept else { return false };
    let as_earlier = Entry {
        permit: kept.permit.clone(),
        asked_at_unix_s: kept.asked_at_unix_s,
        decided_at_unix_ms: kept.decided_at_unix_ms,
        ..ours.clone()
    };
    let may_be_earlier = ours.outcome.settles() || kept.permit == ours.permit;
    kept == *ours || (may_be_earlier && kept == as_earlier)
}

fn not_on_record(
    broker: &Broker,
    attempt: &Attempt,
    outcome: Outcome,
    error: Unsettled,
) -> ApiError {
    let Unsettled::Already = error else {
        return ApiError::caused(&inquiry::LOG_UNAVAILABLE, error);
    };
    if outcome.settles() {
        // One id tried with many numbers would show by this refusal which of them is found.
        broker.count_mismatch(&attempt.operator());
    }
    ApiError::new(&inquiry::ALREADY_SETTLED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::header;

    fn entry(permit: &str, end: End) -> Entry {
        let header =
            domain::InquiryHeader { inquiry: domain::InquiryId(uuid::Uuid::nil()), ..header() };
        Entry::of(&header, permit.to_owned(), end, 1)
    }

    fn receipt(kept: &Entry) -> Receipt {
        let body = LeafBody { logged_at_unix_ms: 2, act: Act::Outcome(kept.clone()) };
        let entry = serde_json::to_string(&body).unwrap();
        Receipt { entry, index: 0, checkpoint: String::new(), proof: Vec::new() }
    }

    #[test]
    fn a_receipt_must_say_what_was_decided() {
        let provided = |byte: u8| End::provided(vec![byte; 32].into());
        let refused = || End::refused(Reason::NotPermitted);
        for (kept, ours, want) in [
            (entry("a", provided(1)), entry("a", provided(1)), true),
            (entry("first", provided(1)), entry("retry", provided(1)), true),
            (entry("first", End::nothing()), entry("retry", End::nothing()), true),
            (entry("a", provided(2)), entry("a", provided(1)), false),
            (entry("a", End::nothing()), entry("a", provided(1)), false),
            (entry("a", refused()), entry("a", refused()), true),
            (entry("first", refused()), entry("retry", refused()), false),
            (entry("a", refused()), entry("a", End::refused(Reason::TooMany)), false),
        ] {
            assert_eq!(is_for(&receipt(&kept), &ours), want, "{kept:?} for {ours:?}");
        }
        let ours = entry("a", End::nothing());
        let mut other = ours.clone();
        other.inquiry = domain::InquiryId::make_random();
        assert!(!is_for(&receipt(&other), &ours));
        assert!(!is_for(&Receipt { entry: "{}".to_owned(), ..receipt(&ours) }, &ours));
    }
}
