//! Every door, tried without a key, with the wrong key, from the wrong municipality.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed test stops where it failed"
)]
#![expect(dead_code, reason = "each part of the system tests uses its own share of the support")]

mod refusals;
mod support;
