//! All SQL of imports.
//!
//! Invariant: every function takes a permit and filters by its municipality.

pub(crate) mod about;
pub(crate) mod change;
pub(crate) mod commit;
pub(crate) mod file;
pub(crate) mod finding;
pub(crate) mod part;
pub(crate) mod quarantine;
pub(crate) mod register;
mod schema;
pub(crate) mod staged;

pub(crate) use ::room::store::{broken_row, failed};
