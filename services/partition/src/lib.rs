//! What is done in the municipalities' rooms: answers other rooms, registers, watches the provision
//! log, inspects; asks other rooms by `shared/asking`.  What a room is (keys, writer, operation log, SQL) is in `shared/room`.
//!
//! Invariant: every function that touches a room's data takes a [`domain::Permit`], which names the
//! room; there is no parameter by which a caller could name another one.
//! Invariant: nothing leaves a room before the act is durable in the room's operation log; no answer
//! of any kind leaves before one line says how the request ended.
//! Invariant: when nobody is found, nothing computed from the number is kept.
//!
//! Reading order: `asking::ask` and `provide` (the two halves of an inquiry), `register`, `vaccinate`,
//! `withhold`, then `witness` and `reconcile` (the provision log), `inspect` (the operation log).

mod disclose;
mod expire;
mod find_inquiry;
mod inspect;
mod provide;
mod publish;
mod reconcile;
mod register;
mod release;
mod report;
mod review;
mod routes;
mod start;
mod vaccinate;
mod witness;

pub use self::routes::{endpoints, openapi};
pub use self::start::{open_host, start, start_in};
pub use room::{Config, MIGRATIONS, ROLE, ReviewConfig, WitnessConfig, WitnessPolicy};
