//! How records, keys and rooms end, in a partition from outside.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests stop at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its own share of the world")]

mod erasing;
mod leaving;
mod replacing;
mod retaining;
mod rotating;
#[path = "../partition/world/mod.rs"]
mod world;
