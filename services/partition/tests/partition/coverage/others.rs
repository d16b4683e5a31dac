//! Steps that need two persons or a job's work before them, whose own tests look at the lines of what
//! succeeds; in the table they are called to be refused.

use domain::{Action, Role};
use wire::notices::NOTICES_ADOPT;

/// Who is let in, and then refused for what was sent.
pub(super) fn role(action: Action, path: &str) -> Option<Role> {
    match action {
        Action::AdoptRecords if path == NOTICES_ADOPT => Some(Role::Clerk),
        Action::PrepareImport | Action::DecideQuarantine => Some(Role::Clerk),
        Action::ApproveImport
        | Action::ApproveErasure
        | Action::RotateKeys
        | Action::CloseRoom
        | Action::ReviewHeld
        | Action::ReleaseHeld => Some(Role::Supervisor),
        _ => None,
    }
}
