//! Rules of the house that the compiler does not check.  Each failure says what to do.
//!
//! A rule is a plain function from text to complaints.  It is tried twice: on the house, and on a
//! planted violation, so that a rule that can no longer fail is noticed.
#![expect(clippy::unwrap_used, reason = "a failed test should stop where it failed")]

mod architecture;
mod arrows;
mod citus;
mod columns;
mod crates;
mod decisions;
mod disclosure;
mod endings;
mod engines;
mod fences;
mod glossary;
mod grants;
mod house;
mod ignored;
mod mentions;
mod names;
mod repository;
mod schema;
mod sizes;
mod sql;
mod threats;
