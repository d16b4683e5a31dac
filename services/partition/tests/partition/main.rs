//! A partition from outside: a real listener, and everything around it played by small servers.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests stop at the first surprise"
)]

mod adopting;
mod batches;
mod batches_ended;
mod closing;
mod completeness;
mod correcting;
mod coverage;
mod disclosing;
mod endings;
mod flagging;
mod inspecting;
mod reading;
mod reconciling;
mod taking;
mod witnessing;
mod world;
