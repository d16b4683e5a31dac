//! The one executable: sets up, starts, checks and shows the services.  `watari demo` runs the very
//! services that `watari run` runs, over the same mutual TLS with the same tokens; there is no
//! short cut inside the process.
//!
//! Invariant: only the crate `screen` writes to standard output and standard error.
//!
//! Reading order: `cli`, [`settings`], [`services`], [`house`] (starting), [`setup`] (what stands in
//! a folder before), [`story`] (the demonstration), then `commands`, one file each.

mod bench;
mod cli;
mod commands;
mod doctor;
mod failure;
pub mod house;
mod runtime;
pub mod schema;
pub mod send_file;
pub mod services;
pub mod settings;
pub mod setup;
pub mod story;

pub use ::screen;

pub use self::cli::main;
pub use self::failure::Failure;
pub use self::settings::Settings;
