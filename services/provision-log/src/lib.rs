//! The provision log (情報提供等の記録): an append-only Merkle log of every outcome of an inquiry.
//!
//! Invariant: a receipt exists only for an entry that is durable.
//! Invariant: the log has one writer, no gaps and no way to change or remove an entry.
//! Invariant: nothing here tells a person: subjects are salted commitments made elsewhere.
//!
//! Invariant: every entry stands under a signed checkpoint: one is signed with each batch, before
//! anybody in the batch is answered, so none is older than what it speaks of by more than a commit.
//!
//! Reading order: `candidate` (what an entry must be), `writer` and `batch` (how it gets in),
//! `head` and `head_file` (what the log says about itself), `rounds` and `tend` (what goes on beside
//! the batches), then the verbs `append`, `orders`, `outcomes`, `proofs`, `witness`, and `routes`.

mod append;
mod batch;
mod candidate;
mod config;
mod destroy;
mod head;
mod head_file;
mod log;
mod metrics;
pub mod offline;
mod orders;
mod outcomes;
pub mod problems;
mod proofs;
mod reconcile;
mod rounds;
mod routes;
mod start;
mod store;
mod tend;
mod witness;
mod writer;

use db::Migrations;
use diesel_migrations::embed_migrations;

pub use self::config::{Config, Keys, Limits, Opening, SilencePolicy, WitnessConfig};
pub use self::destroy::{DestroyError, Destroyed, destroy};
pub use self::log::Log;
pub use self::reconcile::{ReconcileError, Reconciled, reconcile};
pub use self::routes::{ENDPOINTS, openapi};
pub use self::start::start;
pub use self::writer::Writer;

/// The role that may add to the log and read it, and nothing else.
pub const ROLE: &str = "watari_provision_log";

pub static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("migrations/sqlite"),
    postgres: embed_migrations!("migrations/postgres"),
};
