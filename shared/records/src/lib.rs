//! What happens to a record after it was registered: versions, flags, notices, releases, adoption.
//!
//! Invariant: nothing is overwritten.  A change is a further version that says who made it and why,
//! and it follows exactly the version that was read (`If-Match`).
//!
//! Reading order: `read`, `correct`, `flag`, `adopt`, `completeness`, then
//! `room::change` with `notices_send`, `notices_receive`, `own`, `notices_read` and `notices_adopt`, and `release`;
//! `pmh` is all of this for machines.

mod adopt;
pub mod completeness;
mod correct;
mod flag;
pub mod notice_problems;
mod notice_routes;
mod notices_adopt;
mod notices_read;
mod notices_receive;
pub mod notices_send;
mod own;
mod pmh;
pub mod problems;
mod read;
mod release;
mod routes;
mod store;
mod tag;

pub use self::notice_routes::NOTICE_ENDPOINTS;
pub use self::routes::{ENDPOINTS, configure, openapi};

use domain::{Actor, OperatorId, Permit};
use service::{ApiError, problems as common};

/// The person who acts; what a person must answer for is nothing for machines.
fn operator(permit: &Permit) -> Result<OperatorId, ApiError> {
    match &permit.context().actor {
        Actor::Operator { id, .. } => Ok(id.clone()),
        _ => Err(ApiError::new(&common::DENIED)),
    }
}
