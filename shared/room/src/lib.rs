//! A municipality's room as a partition hosts it: keys, the one writer, the operation log, and all
//! SQL.  What is done in it (asking, providing, registering …) is the partition's.
//!
//! Invariant: every function that touches a room's data takes a [`domain::Permit`], which names the
//! room; there is no parameter by which a caller could name another one.
//! Invariant: what is done and the line that tells of it are durable together, or not at all.
//!
//! Reading order: [`host`] and [`Room`], [`writer`] (how a room writes), [`operation_log`],
//! [`checkpoint`], then [`store`].

pub mod alarms;
pub mod change;
#[cfg(test)]
mod change_tests;
pub mod checkpoint;
pub mod config;
pub mod host;
pub mod keys;
pub mod letter;
pub mod metrics;
pub mod operation_log;
mod own_room;
pub mod problems;
pub mod question;
pub mod receipt;
mod room;
pub mod shown;
pub mod store;
mod wake;
pub mod writer;
#[cfg(test)]
mod writer_tests;

use db::Migrations;
use diesel_migrations::embed_migrations;

pub use self::config::{Config, EndingConfig, ReviewConfig, WitnessConfig, WitnessPolicy};
pub use self::host::Host;
pub use self::own_room::own_room;
pub use self::room::Room;
pub use self::wake::Wake;

pub static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("migrations/sqlite"),
    postgres: embed_migrations!("migrations/postgres"),
};

/// The database role of this service; the migrations grant it what it needs and no more.
pub const ROLE: &str = "watari_partition";
