//! The whole system from outside, through its public face, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test stops where it failed")]
#![expect(dead_code, reason = "each part of the system tests uses its own share of the support")]

mod crossing;
mod support;
mod watching;
