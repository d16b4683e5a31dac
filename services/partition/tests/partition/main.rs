//! A partition from outside: a real listener, and everything around it played by small servers.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests stop at the first surprise"
)]

mod closing;
mod coverage;
mod disclosing;
mod endings;
mod inspecting;
mod reconciling;
mod witnessing;
mod world;
