//! Where venue tablets hand in what they captured, on the internet's side.
//!
//! Invariant: it holds no key that opens a capture and knows no number and no name; what it keeps
//! was sealed on the device for the municipality.
//! Invariant: a capture is durable before its device is told "accepted", and goes only when the
//! municipality's own partition says that it has it.
//!
//! Invariant: every request leaves a line that says how it ended, durable before the answer leaves.
//!
//! Reading order: `devices` (who may send), `send` and `writer` (how a capture gets in), `fetch`
//! (how it gets out), `access` (what is written down of it), then `routes`.

mod access;
mod config;
mod devices;
mod directory;
mod fetch;
mod intake;
mod metrics;
pub mod problems;
mod rates;
mod routes;
mod send;
mod sender;
mod start;
mod store;
mod waiting;
mod writer;
#[cfg(test)]
mod writer_tests;

use db::Migrations;
use diesel_migrations::embed_migrations;
use time::OffsetDateTime;

pub use self::config::{Config, Limits};
pub use self::routes::{ENDPOINTS, openapi};
pub use self::start::start;

/// The role that keeps captures, gives them away and writes it down, and nothing else.
pub const ROLE: &str = "watari_intake";

pub static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("migrations/sqlite"),
    postgres: embed_migrations!("migrations/postgres"),
};

/// Milliseconds since 1970; times of the far future are cut to the largest number.
fn unix_ms(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
