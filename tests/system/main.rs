//! The whole system from outside, through its public face, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test stops where it failed")]

mod crossing;
mod support;
