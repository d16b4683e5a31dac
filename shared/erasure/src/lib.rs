//! How records end: retention, holds, erasure by two persons, new keys, closing a room.

mod routes;

pub use self::routes::{ENDPOINTS, configure, openapi};
