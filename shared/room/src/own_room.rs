use domain::{Action, Actor, Permit, authorize};
use service::{ApiError, Caller, problems};

/// An operator or a system acts in the room of its own municipality, whatever else is sent.
pub fn own_room(caller: &Caller, action: Action) -> Result<Permit, ApiError> {
    match &caller.context.actor {
        Actor::Operator { municipality, .. } | Actor::System { municipality, .. } => {
            Ok(authorize(&caller.context, action, *municipality)?)
        }
        _ => Err(ApiError::new(&problems::DENIED)),
    }
}
