use domain::{Action, Actor, authorize};
use service::{ApiError, Caller, problems};
use wire::registry::{AccessLog, ListAccess};

use crate::Registry;
use crate::access::Access;
use crate::change::refuse;
use crate::store;

const LINES_MAX: u16 = 1_000;

/// Shows lines of the access log (C108); that they were read is itself a line.
pub(crate) async fn list_access(
    registry: &Registry,
    caller: &Caller,
    ListAccess { municipality, from, limit }: ListAccess,
) -> Result<AccessLog, ApiError> {
    let owner = match (&caller.context.actor, municipality) {
        (Actor::National { .. }, wanted) => wanted,
        (Actor::Operator { municipality: own, .. }, wanted) => Some(wanted.unwrap_or(*own)),
        _ => return Err(ApiError::new(&problems::DENIED)),
    };
    let whose = owner.map(|code| code.to_string());
    let object = format!("{}/{from}", whose.as_deref().unwrap_or("all"));
    let line = Access::of(&caller.context, "ReadAccessLog").to(object);
    let permit = owner.map(|owner| authorize(&caller.context, Action::ReadAccessLog, owner));
    if let Err(denied) = permit.transpose() {
        return Err(refuse(registry, caller, line, denied.into()).await);
    }
    let line = whose.iter().fold(line, |line, code| line.concerning(code.clone())).with("done");
    let page = (from, limit.min(LINES_MAX));
    let lines = registry.access_log.write("registry.list_access", move |tx| {
        Ok((store::access_page(tx, whose.as_deref(), page)?, vec![line.clone()]))
    });
    let lines = lines.await?;
    caller.context.recorded.set();
    Ok(AccessLog { lines })
}
