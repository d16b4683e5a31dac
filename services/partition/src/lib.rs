//! Hosts the municipalities' rooms: register, records and keys of their own; asks other rooms,
//! answers them, and writes down who did what.
//!
//! Invariant: every function that touches a room's data takes a [`domain::Permit`], which names the
//! room; there is no parameter by which a caller could name another one.
//! Invariant: nothing leaves a room before the act is durable in the room's operation log.
//! Invariant: when nobody is found, nothing computed from the number is kept.
//!
//! Reading order: `ask` and `provide` (the two halves of an inquiry), `room` (how a room writes),
//! `register`, `vaccinate`, `withhold`, `review`, then `store`.

mod ask;
mod config;
mod expire;
mod find_inquiry;
mod host;
mod metrics;
mod operation_log;
pub mod problems;
mod provide;
mod publish;
mod question;
mod receipt;
mod register;
mod review;
mod room;
mod routes;
mod start;
mod store;
mod vaccinate;
mod withhold;
mod writer;
#[cfg(test)]
mod writer_tests;

use db::Migrations;
use diesel_migrations::embed_migrations;

pub use self::config::Config;
pub use self::routes::{ENDPOINTS, openapi};
pub use self::start::start;

pub static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("migrations/sqlite"),
    postgres: embed_migrations!("migrations/postgres"),
};

/// The database role of this service; the migrations grant it what it needs and no more.
pub const ROLE: &str = "watari_partition";
