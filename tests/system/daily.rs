//! A room in daily use, on SQLite and on PostgreSQL, through the public face of the whole system.

mod access;
mod backup;
mod batch;
mod browser;
mod command;
mod comparing;
mod dice;
mod disclosure_full;
mod disclosure_waiting;
mod door;
mod erasure;
mod exports;
mod forged_notices;
mod fuzz;
mod holders;
mod imports;
mod intake;
mod killed;
#[path = "leakage/needles.rs"]
mod needles;
mod notices;
#[path = "leakage/postgres.rs"]
mod postgres;
mod processes;
mod records;
mod releases;
#[path = "leakage/search.rs"]
mod search;
mod systems;
mod towns;
mod venue;
