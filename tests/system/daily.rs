//! A room in daily use, on SQLite and on PostgreSQL, through the public face of the whole system.

mod disclosure_full;
mod door;
mod exports;
mod notices;
mod records;
mod towns;
mod systems;
mod intake;
mod processes;
mod venue;
mod fuzz;
