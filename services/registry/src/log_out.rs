use service::{ApiError, Caller, problems};
use uuid::Uuid;

use crate::Registry;
use crate::access::Access;
use crate::change::{Change, Work, make};
use crate::store;

/// Ends the caller's session; its token stops counting everywhere within seconds.
pub(crate) async fn log_out(registry: &Registry, caller: &Caller) -> Result<(), ApiError> {
    let at = caller.context.at;
    let session = caller.session.as_ref().and_then(|session| Uuid::parse_str(&session.id).ok());
    let prepare = async {
        let session = session.ok_or_else(|| ApiError::new(&problems::UNAUTHENTICATED))?;
        let work: Work = Box::new(move |tx, _| {
            let ended = store::session_end(tx, session, at)?;
            Ok(if ended { Change::Made } else { Change::Same })
        });
        Ok(work)
    };
    make(registry, caller, Access::of(&caller.context, "LogOut"), prepare).await
}
