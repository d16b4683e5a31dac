use service::{ApiError, Caller};
use wire::registry::RevokeTerminal;

use crate::Registry;
use crate::change::{Change, make};
use crate::store::{self, Access};

/// Revokes a terminal: no log-in from it, and no token of it counts any more.
pub(crate) async fn revoke_terminal(
    registry: &Registry,
    caller: &Caller,
    RevokeTerminal { terminal, municipality }: RevokeTerminal,
) -> Result<(), ApiError> {
    let at = caller.context.at;
    let object = format!("{}/{terminal}", store::place(municipality));
    let access = Access::of(&caller.context, "RevokeTerminal", Some(&object));
    make(registry, "registry.revoke_terminal", access, move |tx| {
        Ok(match store::terminal_find(tx, municipality, &terminal)? {
            None => Change::Absent,
            Some(found) if found.is_revoked => Change::Same,
            Some(_) => {
                store::terminal_revoke(tx, municipality, &terminal, at)?;
                Change::Made
            }
        })
    })
    .await
}
