//! Who takes part: the signed directory of municipalities and their public keys, operators,
//! terminals, log-in and revocation.  Knows no resident.
//!
//! Invariant: a token leaves only after its session and its line in the access log are durable.
//! Invariant: a refused log-in looks the same whatever the reason, and costs the same work.
//! Invariant: what a change did is recorded in the transaction that did it; whatever else is
//! answered has its line in the access log before the answer leaves.
//!
//! Reading order: `routes` (what is offered), `log_in` with `passwords`, `backoff` and `tokens`,
//! `change` and one file per registration, `access_log` with `verify_access_log`, `published`
//! (what others poll), then `start`.

mod access;
mod access_log;
mod backoff;
mod bootstrap;
mod change;
mod config;
mod list_access;
mod log_in;
mod log_out;
mod metrics;
mod passwords;
mod problems;
mod publish_keys;
mod published;
mod register_municipality;
mod register_operator;
mod register_terminal;
mod revoke_terminal;
mod routes;
mod start;
mod store;
mod suspend_operator;
mod tokens;
mod verify_access_log;

use std::sync::Arc;

use db::{Db, Migrations};
use diesel_migrations::embed_migrations;

pub use self::bootstrap::{BootstrapError, FirstOperator, bootstrap, bootstrap_in};
pub use self::config::{Config, Limits, TokenKeyConfig};
pub use self::problems::{LOG_IN_REFUSED, PROBLEMS};
pub use self::routes::{ENDPOINTS, openapi};
pub use self::start::{start, start_in};
pub use self::verify_access_log::{AccessLogReport, Damage, verify_access_log};

/// The role that serves; the migrations grant it what it needs and no more.
pub const ROLE: &str = "watari_registry";

pub static MIGRATIONS: Migrations = Migrations {
    sqlite: embed_migrations!("migrations/sqlite"),
    postgres: embed_migrations!("migrations/postgres"),
};

/// What the handlers share.
pub(crate) struct Registry {
    pub(crate) db: Db,
    pub(crate) access_log: Arc<access_log::AccessLog>,
    pub(crate) published: published::Published,
    pub(crate) passwords: passwords::Passwords,
    pub(crate) backoff: backoff::Backoff,
    pub(crate) tokens: tokens::Tokens,
    pub(crate) log_ins: metrics::LogIns,
}
