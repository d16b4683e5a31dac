use service::{ApiError, Caller};
use wire::registry::RevokeTerminal;

use crate::Registry;
use crate::access::Access;
use crate::change::{Change, Work, make};
use crate::store;

/// Revokes a terminal: no log-in from it, and no token of it counts any more.
pub(crate) async fn revoke_terminal(
    registry: &Registry,
    caller: &Caller,
    RevokeTerminal { terminal, municipality }: RevokeTerminal,
) -> Result<(), ApiError> {
    let at = caller.context.at;
    let access = Access::of(&caller.context, "RevokeTerminal");
    let access = access.at_terminal(municipality, &terminal);
    let work: Work = Box::new(move |tx, _| {
        Ok(match store::terminal_find(tx, municipality, &terminal)? {
            None => Change::Absent,
            Some(found) if found.is_revoked => Change::Same,
            Some(_) => {
                store::terminal_revoke(tx, municipality, &terminal, at)?;
                Change::Made
            }
        })
    });
    make(registry, caller, access, async { Ok(work) }).await
}
