//! What leaves the room on purpose: files for the ledger, a person's disclosure, FHIR search.
//!
//! Invariant: no file, page or resource made here has a place for an individual number.

mod export;
mod routes;

pub use self::routes::{ENDPOINTS, configure, openapi};
