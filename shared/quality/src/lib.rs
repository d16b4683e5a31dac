//! Whether a row that could be registered should be: compares a dose with the person, with the
//! other doses, with the vouchers that were issued and with dated tables of what is usual.
//!
//! Knows neither files nor databases; whoever calls has looked up what there is to compare with.
//! docs/QUALITY.md says what is caught, what can't be, and how that was measured.
//!
//! Invariant: a doubt is a question for a person: nothing here changes, drops or refuses a row.
//!
//! Reading order: [`kind`], [`doubt`], [`rules`], [`voucher`], [`repair`].

mod distance;
pub mod doubt;
mod findings;
#[cfg(any(test, feature = "test-support"))]
pub mod generator;
pub mod kind;
mod lot;
#[cfg(any(test, feature = "test-support"))]
pub mod measure;
mod repair;
pub mod rules;
#[cfg(any(test, feature = "test-support"))]
pub mod slips;
pub mod voucher;

pub use self::doubt::{Doubt, Likely, Person, doubts, duplicate, voucher_doubt};
pub use self::findings::is_same;
pub use self::kind::DoubtKind;
pub use self::rules::{DEFAULT_KIND, InvalidRules, Rules, Tables};
pub use self::voucher::{Neighbour, VoucherState, neighbours};
