//! What anybody may hold against the provision log: its orders, its export, and what is wrong with it.
//!
//! Needs no server and no key that signs.  docs/LOG_FORMAT.md is the contract.
//!
//! Invariant: what comes from outside (notes, orders, exports) is judged, never trusted, and never
//! makes the judge panic.
//! Invariant: nothing here destroys or changes anything.

mod advice;
mod draft;
mod file;
mod findings;
pub mod order;
pub mod orders;
mod ranges;
mod receipt;
mod slip;
mod source;
mod stored;
mod survey;
mod verify;
mod witness;

pub use draft::{Draft, NotDrafted};
pub use file::replace_file;
pub use findings::{Finding, Kind, Report};
pub use order::{
    Destroy, Hold, IndexRange, LiftHold, OpenedOrder, Order, OrderAct, OrderError, Scope,
};
pub use orders::{
    BodyFacts, EntryFacts, Facts, Fate, Orders, Slip, StandingHold, Unlawful, Verdict,
};
pub use receipt::{Proven, ReceiptError};
pub use source::{Listed, Source, StoredBody, StoredNote, Unreadable};
pub use stored::{Stored, StoredError, newest_checkpoint};
pub use survey::{Month, Survey, SurveyError};
pub use verify::{Evidence, Extent, Trust};
pub use witness::Cosigned;
