//! A municipality's room in daily use: files in, corrections out, many inquiries, erasure.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed test stops where it failed"
)]
#![expect(dead_code, reason = "each part of the system tests uses its own share of the support")]

mod daily;
mod support;
