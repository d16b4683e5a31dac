//! Every registration is one transaction: look, change, write down what came of it.

use std::future::Future;

use db::{DbError, Tx};
use service::{ApiError, Caller, problems};

use crate::Registry;
use crate::access::Access;

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

/// What a change does in its transaction; it may run several times, and decides before it writes:
/// what it wrote is kept whatever it returns.
pub(crate) type Work = Box<dyn Fn(&mut Tx, &mut Access) -> Result<Change, DbError> + Send>;

/// Makes a change with its line in the access log.
///
/// `prepare` looks at the request before the registry is locked; what it refuses leaves a line too.
pub(crate) async fn make(
    registry: &Registry,
    caller: &Caller,
    access: Access,
    prepare: impl Future<Output = Result<Work, ApiError>>,
) -> Result<(), ApiError> {
    let work = match prepare.await {
        Ok(work) => work,
        Err(error) => return Err(refuse(registry, caller, access, error).await),
    };
    let done = registry.access_log.write("registry.change", move |tx| {
        let mut line = access.clone();
        let change = work(tx, &mut line)?;
        Ok((change, vec![line.with(change.as_str())]))
    });
    let change = done.await?;
    caller.context.recorded.set();
    if change == Change::Made {
        registry.published.refresh_after_change().await;
    }
    change.answer()
}

/// Writes down what is refused before it is; if that fails, the caller hears of that instead.
pub(crate) async fn refuse(
    registry: &Registry,
    caller: &Caller,
    line: Access,
    error: ApiError,
) -> ApiError {
    match registry.access_log.add(line.with(error.kind().code)).await {
        Ok(()) => {
            caller.context.recorded.set();
            error
        }
        Err(error) => ApiError::caused(&problems::UNAVAILABLE, error),
    }
}
