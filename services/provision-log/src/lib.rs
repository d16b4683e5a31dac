//! The provision log (情報提供等の記録): an append-only Merkle log of every outcome of an inquiry.
//!
//! Invariant: a receipt exists only for an entry that is durable.
//! Invariant: the log has one writer, no gaps and no way to change or remove an entry.
//! Invariant: nothing here tells a person: subjects are salted commitments made elsewhere.
//!
//! Reading order: `candidate` (what an entry must be), `writer` and `batch` (how it gets in),
//! `head` (what the log says about itself), then the verbs `append`, `outcomes`, `proofs`, and
//! `routes`.

mod append;
mod batch;
mod candidate;
mod config;
mod head;
mod log;
mod metrics;
mod outcomes;
pub mod problems;
mod proofs;
mod routes;
mod start;
mod store;
mod writer;

use db::Migrations;
use diesel_migrations::embed_migrations;

pub use self::config::{Config, Limits};
pub use self::log::Log;
pub use self::routes::{ENDPOINTS, openapi};
pub use self::start::start;
pub use self::writer::Writer;

/// The role that may add to the log and read it, and nothing else.
pub const ROLE: &str = "watari_provision_log";

pub static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("migrations/sqlite"),
    postgres: embed_migrations!("migrations/postgres"),
};
