//! Verb: append an outcome and hand back its receipt.

use db::DbError;
use domain::Outcome;
use service::problems::inquiry::NO_SUCH_END;
use service::{ApiError, problems as common};
use tokio::sync::oneshot;
use tracing::instrument;
use wire::provision_log::{Act, Entry, Receipt};

use crate::candidate::Candidate;
use crate::head::RestoreError;
use crate::log::Log;
use crate::problems;
use crate::proofs::to_wire;
use crate::store::{self, StoreError};
use crate::writer::{Appended, Job};

/// Why an entry has no receipt.  One failed batch answers all its waiters, hence `Clone`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("the inquiry has already ended in another way")]
    AlreadySettled,
    #[error("the permit stands in the log for something else")]
    PermitReused,
    #[error("nothing was kept")]
    NotKept(#[source] StoreError),
    #[error("it is not known whether the entry was kept")]
    CommitUnknown,
    #[error("the clock shows a day that no calendar has")]
    NoDay,
    #[error("too few witnesses have been heard")]
    Unwitnessed,
    #[error("a witness has shown that the log lost or changed what it had signed")]
    Objected,
    #[error("the stored log could not be read again")]
    NotRestored(#[source] RestoreError),
}

impl From<StoreError> for AppendError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Db(DbError::CommitUnknown(_)) => Self::CommitUnknown,
            error => Self::NotKept(error),
        }
    }
}

impl From<RestoreError> for AppendError {
    fn from(error: RestoreError) -> Self {
        Self::NotRestored(error)
    }
}

impl From<AppendError> for ApiError {
    fn from(error: AppendError) -> Self {
        let kind = match &error {
            AppendError::AlreadySettled => &problems::ALREADY_SETTLED,
            AppendError::PermitReused => &problems::PERMIT_REUSED,
            AppendError::CommitUnknown => &common::UNKNOWN_OUTCOME,
            AppendError::NotRestored(RestoreError::Db(_)) => &common::UNAVAILABLE,
            AppendError::NotRestored(_) | AppendError::Objected => &problems::LOG_DIVERGED,
            AppendError::Unwitnessed => &problems::LOG_UNWITNESSED,
            // Whatever the reason, nothing was kept: the same request may be sent again.
            AppendError::NotKept(_) | AppendError::NoDay => &common::UNAVAILABLE,
        };
        Self::caused(kind, error)
    }
}

/// Whether a correction or a release goes on from this end: between the same two, in the same order,
/// about the same question (docs/LOG_FORMAT.md §2).
fn follows(end: &Entry, entry: &Entry) -> bool {
    // What was released after a "nothing" is corrected like what was provided.
    let is_due = entry.outcome == Outcome::Corrected || end.outcome == Outcome::Nothing;
    let as_asked = Entry {
        permit: end.permit.clone(),
        operator: end.operator.clone(),
        terminal: end.terminal.clone(),
        outcome: end.outcome,
        commitment: end.commitment.clone(),
        decided_at_unix_ms: end.decided_at_unix_ms,
        ..entry.clone()
    };
    is_due && as_asked == *end
}

impl Log {
    /// Answers once the entry is durable, with all that is needed to prove it later.
    ///
    /// A retry is answered with the entry that is in the log already.
    #[instrument(name = "provision-log.append", skip_all, fields(outcome = entry.outcome.as_str()))]
    pub async fn append(&self, entry: Entry) -> Result<Receipt, ApiError> {
        let candidate = Candidate::outcome(entry)?;
        if let Act::Outcome(entry) = &candidate.act {
            self.expect_end(entry).await?;
        }
        self.submit(candidate).await
    }

    /// Refuses a correction or a release of what no inquiry between these two has brought about.
    async fn expect_end(&self, entry: &Entry) -> Result<(), ApiError> {
        if !matches!(entry.outcome, Outcome::Corrected | Outcome::Released) {
            return Ok(());
        }
        let inquiry = entry.inquiry;
        let end = self.db.read("provision-log.end", move |tx| store::end_of(tx, inquiry)).await;
        let end = end.map_err(AppendError::from)?;
        let follows = end.is_some_and(|end| follows(&end, entry));
        follows.then_some(()).ok_or_else(|| ApiError::new(&NO_SUCH_END))
    }

    /// Has the writer take it in, and proves what it has become.
    pub(crate) async fn submit(&self, candidate: Candidate) -> Result<Receipt, ApiError> {
        if self.rounds.stops(self.now_unix_ms()) {
            return Err(AppendError::Unwitnessed.into());
        }
        let (waiter, waiting) = oneshot::channel();
        let place = self.queue.try_reserve();
        let place = place.map_err(|error| ApiError::caused(&common::UNAVAILABLE, error))?;
        self.metrics.queued();
        place.send(Job { candidate, waiter });
        // The writer may have ended after it had written.
        let answer = waiting.await.unwrap_or(Err(AppendError::CommitUnknown));
        let Appended { index, text, head } = answer?;
        let proof = self.inclusion(&head, index, head.tree.size()).await?;
        let checkpoint = head.note.clone();
        Ok(Receipt { entry: text.to_string(), index, checkpoint, proof: to_wire(&proof) })
    }
}
