//! Routes sealed inquiries: who is asking, may they, to whom; then the log, then the answer.
//!
//! Invariant: the broker holds no key that opens anything.  It verifies signatures, signs permits
//! with a key of its own and knows digests; ciphers and private keys of rooms are not named here.
//! Invariant: nothing is released, not even a refusal, before the provision log has it.
//! Invariant: only the municipality that the header names is contacted; a code that nobody has, or
//! has any more, ends here and looks like "nothing".
//! Invariant: a source that does not answer is "unavailable", never "nothing".
//! Invariant: it has no database; what it remembers (counters of operators) is bounded, in memory,
//! and derived from nothing but the operator's id.
//!
//! An inquiry that meets a limit on load (places in flight, requests a second) is turned away before
//! it is looked at and leaves no entry; every other end, refusals included, is on record first.
//!
//! A notice (a correction, a release) takes the same way once: judged, on record, delivered.
//!
//! Reading order: `inquire` (the steps in order), then a file for each step: `in_flight`, `rates`,
//! `admit` with `authentic`, `mismatches`, `permit`, `route` with `hosts` and
//! `filler`, `settle`, `wait`; then `deliver`.  `state` holds what they share.

mod admit;
mod authentic;
mod bounded;
mod config;
mod counters;
mod deliver;
mod filler;
mod hosts;
mod in_flight;
mod inquire;
mod mismatches;
mod permit;
mod problems;
mod rates;
mod readiness;
mod route;
mod routes;
mod settle;
mod start;
mod state;
mod wait;

pub use self::config::{Config, Limits};
pub use self::routes::{ENDPOINTS, openapi};
pub use self::start::start;
