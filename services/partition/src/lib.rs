//! Hosts the municipalities' rooms: register, records and keys of their own; asks other rooms,
//! answers them, and writes down who did what.
//!
//! Invariant: every function that touches a room's data takes a [`domain::Permit`], which names the
//! room; there is no parameter by which a caller could name another one.
//! Invariant: nothing leaves a room before the act is durable in the room's operation log; no answer
//! of any kind leaves before one line says how the request ended.
//! Invariant: when nobody is found, nothing computed from the number is kept.
//!
//! Reading order: `ask` and `provide` (the two halves of an inquiry), `room` (how a room writes),
//! `register`, `vaccinate`, `withhold`, `review`, then `store`.

mod alarms;
mod ask;
mod checkpoint;
mod config;
mod disclose;
mod expire;
mod find_inquiry;
mod host;
mod inspect;
mod metrics;
mod operation_log;
pub mod problems;
mod provide;
mod publish;
mod question;
mod receipt;
mod reconcile;
mod register;
mod release;
mod report;
mod review;
mod room;
mod routes;
mod start;
mod store;
mod vaccinate;
mod withhold;
mod witness;
mod writer;
#[cfg(test)]
mod writer_tests;

use db::Migrations;
use diesel_migrations::embed_migrations;

pub use self::config::{Config, ReviewConfig, WitnessConfig, WitnessPolicy};
pub use self::routes::{ENDPOINTS, openapi};
pub use self::start::{start, start_in};

pub static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("migrations/sqlite"),
    postgres: embed_migrations!("migrations/postgres"),
};

/// The database role of this service; the migrations grant it what it needs and no more.
pub const ROLE: &str = "watari_partition";
