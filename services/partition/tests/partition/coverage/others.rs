//! Acts of several steps, whose own tests look at the lines of what succeeds; in the table they are
//! called to be refused.

use domain::{Action, Role};
use wire::notices::NOTICES_ADOPT;

/// Who is let in, and then refused for what was sent.
pub(super) fn role(action: Action, path: &str) -> Option<Role> {
    match action {
        Action::AdoptRecords if path == NOTICES_ADOPT => Some(Role::Clerk),
        Action::PrepareImport
        | Action::ReadQuarantine
        | Action::DecideQuarantine
        | Action::ReadNotices => Some(Role::Clerk),
        Action::ApproveImport
        | Action::ReadErasures
        | Action::ProposeErasure
        | Action::ApproveErasure
        | Action::HoldErasure
        | Action::RotateKeys
        | Action::CloseRoom
        | Action::ReviewHeld
        | Action::ReleaseHeld => Some(Role::Supervisor),
        _ => None,
    }
}
