//! What venues captured, on the room's side: which devices may hand in, and what becomes of what
//! they handed in.
//!
//! Invariant: a capture is forgotten at the intake only when what became of it is durable here; what
//! comes again is known by its device and its id.
//! Invariant: nothing of a capture is in the clear outside the room.
//!
//! Reading order: `devices` (a supervisor's verbs), [`take`] (from the intake), `settle` (into the
//! register, or in front of people).

mod devices;
mod routes;
mod settle;
mod take;

pub use self::routes::{ENDPOINTS, configure, openapi};
pub use self::take::run;
