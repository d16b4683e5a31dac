//! The demonstration: who takes part in it, how they are registered, what they do, and how each
//! claim is checked.  `watari demo`, `watari seed`, `watari show` and the tests tell the same story.

pub mod desk;
pub mod outcomes;
pub mod seed;
pub mod show;
pub mod site;
pub mod try_it;

pub use ::cast::{self, residents};
