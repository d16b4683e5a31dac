//! A busy day in processes of their own, and then a search for every number used.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test stops where it failed")]
#![expect(dead_code, reason = "each part of the system tests uses its own share of the support")]

mod leakage;
mod support;
