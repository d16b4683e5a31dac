//! Files into the register: staged, checked, previewed, approved by a second person, all or nothing.

mod routes;

pub use self::routes::{ENDPOINTS, configure, openapi};
