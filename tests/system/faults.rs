//! Write, then release, also while something fails.
//!
//! Whatever is broken: nothing is released without a durable entry in the provision log, a failure
//! is never "nothing", and a retry with the same id becomes definite and leaves one entry.

mod batch;
mod cut;
mod database;
mod disk;
mod history;
mod kills;
mod log;
mod process;
mod proxy;
mod room;
mod second;
mod server;
mod source;
mod stage;
