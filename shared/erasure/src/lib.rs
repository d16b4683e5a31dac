//! How records end: retention, holds, erasure by two persons, new keys, closing a room.
//!
//! Invariant: nothing is erased by a clock or by one person.
//! Invariant: exactly what was shown is erased, with a record of it in the same transaction.
//! Invariant: a data key is destroyed only when nothing is sealed with it any more.
//!
//! Reading order: [`propose`](mod@propose), `approve`, `store::personal` (where a person's records
//! are), `retention`, `rotate`, `close`, then `run` (the jobs).

mod approve;
mod close;
mod hold;
mod people;
mod problems;
mod propose;
mod read;
mod retention;
mod rotate;
mod routes;
mod run;
mod store;
mod taken;

pub use self::routes::{ENDPOINTS, configure, openapi};
pub use self::run::run;
