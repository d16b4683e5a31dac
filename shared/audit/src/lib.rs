//! What anybody may hold against the provision log: its orders, its export, and what is wrong with it.
//!
//! Needs no server and no key that signs.  docs/LOG_FORMAT.md is the contract.
//!
//! Invariant: what comes from outside (notes, orders, exports) is judged, never trusted, and never
//! makes the judge panic.
//! Invariant: nothing here destroys or changes anything.

pub mod order;

pub use order::{
    Destroy, Hold, IndexRange, LiftHold, OpenedOrder, Order, OrderAct, OrderError, Scope,
};
