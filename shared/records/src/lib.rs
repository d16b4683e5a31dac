//! What happens to a record after it was registered: versions, flags, notices, releases, adoption.

#[expect(dead_code, reason = "corrections call it")]
mod notices;
mod routes;

pub use self::routes::{ENDPOINTS, configure, openapi};
