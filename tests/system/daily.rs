//! A room in daily use, on SQLite and on PostgreSQL, through the public face of the whole system.

mod records;
