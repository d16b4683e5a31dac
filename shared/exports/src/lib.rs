//! What leaves the room on purpose: files for the ledger, a person's disclosure, FHIR search.

mod routes;

pub use self::routes::{ENDPOINTS, configure, openapi};
