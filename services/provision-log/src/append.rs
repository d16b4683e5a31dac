//! Verb: append an outcome and hand back its receipt.

use db::DbError;
use service::{ApiError, problems as common};
use tokio::sync::oneshot;
use tracing::instrument;
use wire::provision_log::{Entry, Receipt};

use crate::candidate::Candidate;
use crate::head::RestoreError;
use crate::log::Log;
use crate::problems;
use crate::proofs::to_wire;
use crate::store::StoreError;
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

impl Log {
    /// Answers once the entry is durable, with all that is needed to prove it later.
    ///
    /// A retry is answered with the entry that is in the log already.
    #[instrument(name = "provision-log.append", skip_all, fields(outcome = entry.outcome.as_str()))]
    pub async fn append(&self, entry: Entry) -> Result<Receipt, ApiError> {
        self.submit(Candidate::outcome(entry)?).await
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
