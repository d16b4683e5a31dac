//! Faults under the system's feet: write, then release, whatever fails.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test stops where it failed")]
#![expect(dead_code, reason = "each part of the system tests uses its own share of the support")]

mod faults;
mod support;
