//! What happens to a record after it was registered: versions, flags, notices, releases, adoption.

mod routes;

pub use self::routes::{ENDPOINTS, configure, openapi};
