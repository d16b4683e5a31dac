//! The files that municipalities, ledger vendors and venues hand to each other: which columns they
//! have, how a cell is read, and what is said about a row that can't be used.
//!
//! Reads a stream of any length in bounded memory and knows neither database nor network, so a
//! vendor can check a file at home.  docs/FILES.md publishes the layouts and is tested against them.
//!
//! Invariant: a problem names line, column and reason, never what stood in the cell.
//!
//! Reading order: [`layout`], [`lines`], [`cells`], [`rows`], [`problem`], [`check`]; on the way out
//! [`export`].

pub mod batch_result;
pub mod cells;
pub mod check;
pub mod export;
pub mod layout;
pub mod lines;
pub mod problem;
pub mod rows;

pub use self::check::{Checked, Checker, Conflicts, FileError, Options, Summary, list_problems};
pub use self::layout::{Column, FileKind, LAYOUTS, Layout};
pub use self::problem::{Problem, Reason};
pub use self::rows::{BatchRow, DoseRow, Row, SubjectRow, VoucherRow};
