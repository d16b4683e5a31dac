//! What leaves the room on purpose: files for the ledger, a person's disclosure, FHIR search.
//!
//! Invariant: no file, page or resource made here has a place for an individual number.

mod disclose_all;
mod export;
mod html;
mod immunization;
mod moment;
mod page;
mod problems;
pub mod received;
mod routes;
mod search;
mod store;
mod wareki;

pub use self::routes::{ENDPOINTS, configure, openapi};
