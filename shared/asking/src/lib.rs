//! Asking other municipalities from a room: one inquiry of a clerk, or a file of them (一括照会).
//!
//! Invariant: nothing leaves a room before the act is durable in its operation log, and nothing is
//! shown before the answer is kept and proven.
//! Invariant: an inquiry id is one inquiry, however often it is sent.
//!
//! Reading order: [`ask`], then [`batch`].

pub mod ask;
pub mod batch;
