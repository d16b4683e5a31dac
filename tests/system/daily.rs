//! A room in daily use, on SQLite and on PostgreSQL, through the public face of the whole system.

mod batch;
mod comparing;
mod disclosure_full;
mod door;
mod erasure;
mod exports;
mod forged_notices;
mod killed;
mod notices;
mod records;
mod releases;
mod towns;
mod systems;
mod intake;
mod processes;
mod venue;
mod fuzz;
