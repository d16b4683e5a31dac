//! Rooms, cells and messages stay apart, also where the program is passed by.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed test stops where it failed")]

mod isolation;
mod support;
