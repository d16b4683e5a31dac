//! Files into the register: sent in parts, checked, previewed, approved by a second person, all or
//! nothing.
//!
//! Invariant: what comes from a file is sealed before it is written, and nothing of it is in the
//! register before a second person has approved exactly what was previewed.
//! Invariant: what is registered is never overwritten by a file; what differs is for people.
//!
//! Reading order: [`open`], [`send`], [`begin`], [`run`], [`check`], [`read`], [`approve`],
//! [`discard`]; quarantine is where doubtful rows wait.

pub mod about;
mod approve;
mod begin;
mod check;
mod discard;
mod open;
mod problems;
pub mod quarantine;
mod quarantine_decide;
mod quarantine_list;
mod read;
mod reason;
mod report;
mod routes;
mod run;
mod send;
mod store;

pub use self::approve::approve;
pub use self::begin::begin;
pub use self::open::open;
pub use self::read::{problems as read_problems, read};
pub use self::routes::{ENDPOINTS, configure, openapi};
pub use self::run::run;
pub use self::send::send;
