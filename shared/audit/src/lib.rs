//! What anybody may hold against the provision log: its orders, its export, and what is wrong with it.
//!
//! Needs no server and no key that signs.  docs/LOG_FORMAT.md is the contract.
