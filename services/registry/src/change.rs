//! Every registration is one transaction: look, change, write down what came of it.

use db::{DbError, Tx};
use service::{ApiError, problems};

use crate::Registry;
use crate::store::{self, Access};

/// What came of a request to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Made,
    /// It was so already; sent twice, a request is answered alike.
    Same,
    /// Something else is registered under this id.
    Conflict,
    Absent,
    /// Not the caller's to change.
    Foreign,
    /// More than there may be.
    TooMany,
    /// Somebody else was registering the same; sent again, it will be clear.
    Raced,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Self::Made => "done",
            Self::Same => "same",
            Self::Conflict => "conflict",
            Self::Absent => "absent",
            Self::Foreign => "foreign",
            Self::TooMany => "too-many",
            Self::Raced => "raced",
        }
    }

    fn answer(self) -> Result<(), ApiError> {
        Err(ApiError::new(match self {
            Self::Made | Self::Same => return Ok(()),
            Self::Conflict => &problems::CONFLICT,
            Self::Absent => &problems::NOT_FOUND,
            Self::Foreign => &problems::DENIED,
            Self::TooMany => &problems::MALFORMED,
            Self::Raced => &problems::UNAVAILABLE,
        }))
    }
}

/// Does `work` under the registry's lock and records its outcome in the same transaction.
///
/// `work` decides before it writes: what it wrote is kept whatever it returns.
pub(crate) async fn make(
    registry: &Registry,
    name: &'static str,
    access: Access,
    work: impl Fn(&mut Tx) -> Result<Change, DbError> + Send + 'static,
) -> Result<(), ApiError> {
    let change = registry
        .db
        .transaction(name, move |tx| {
            store::registry_lock(tx)?;
            let change = work(tx)?;
            store::access_append(tx, &access, change.as_str())?;
            Ok::<_, DbError>(change)
        })
        .await?;
    if change == Change::Made {
        registry.published.refresh_after_change().await;
    }
    change.answer()
}
