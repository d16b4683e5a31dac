//! The provision log's promise: whoever tampers with it is found, and what had to go is gone.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed test stops where it failed"
)]
#![expect(dead_code, reason = "each part of the system tests uses its own share of the support")]

mod audit;
mod support;
