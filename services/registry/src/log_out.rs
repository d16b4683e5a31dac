use service::{ApiError, Caller, problems};
use uuid::Uuid;

use crate::Registry;
use crate::change::{Change, make};
use crate::store::{self, Access};

/// Ends the caller's session; its token stops counting everywhere within seconds.
pub(crate) async fn log_out(registry: &Registry, caller: &Caller) -> Result<(), ApiError> {
    let session = caller.session.as_ref().and_then(|session| Uuid::parse_str(&session.id).ok());
    let session = session.ok_or_else(|| ApiError::new(&problems::UNAUTHENTICATED))?;
    let at = caller.context.at;
    let access = Access::of(&caller.context, "LogOut", None);
    make(registry, "registry.log_out", access, move |tx| {
        let ended = store::session_end(tx, session, at)?;
        Ok(if ended { Change::Made } else { Change::Same })
    })
    .await
}
