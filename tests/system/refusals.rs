//! Whoever may not is refused, alike and in time, and what is refused tells nothing.
//!
//! The callers are made from the policy and the endpoints from the route tables, so a new party, a
//! new action or a new endpoint is tested by itself.

mod bodies;
mod deadlines;
mod endpoints;
mod flaws;
mod go_between;
mod line;
mod log_in;
mod nothing;
mod on_the_line;
mod people;
mod revocation;
mod stale;
mod tls;
mod unknown;
mod wire_end;
