//! Who decides.

use domain::{Actor, Permit};
use service::{ApiError, problems as common};

/// The person who acts; two of them decide what cannot be undone.
pub(crate) fn person(permit: &Permit) -> Result<String, ApiError> {
    match &permit.context().actor {
        Actor::Operator { id, .. } => Ok(id.to_string()),
        _ => Err(ApiError::new(&common::DENIED)),
    }
}
