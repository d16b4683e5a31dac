//! What happens to a record after it was registered: versions, flags, notices, releases, adoption.
//!
//! Invariant: nothing is overwritten.  A change is a further version that says who made it and why,
//! and it follows exactly the version that was read (`If-Match`).
//!
//! Reading order: `read`, `correct`, `flag`, `adopt`, `completeness`, then `notices`.

mod adopt;
pub mod completeness;
mod correct;
mod flag;
mod notices;
pub mod problems;
mod read;
mod routes;
mod store;
mod tag;

pub use self::routes::{ENDPOINTS, configure, openapi};
