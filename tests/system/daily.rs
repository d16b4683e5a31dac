//! A room in daily use, on SQLite and on PostgreSQL, through the public face of the whole system.

mod batch;
mod comparing;
mod disclosure_full;
mod door;
mod erasure;
mod exports;
mod forged_notices;
mod fuzz;
mod imports;
mod intake;
mod killed;
mod notices;
mod processes;
mod records;
mod releases;
mod systems;
mod towns;
mod venue;
