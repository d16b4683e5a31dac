//! One part of the system tests on its own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed test stops where it failed"
)]
#![allow(dead_code, clippy::allow_attributes)]

mod refusals;
mod support;
