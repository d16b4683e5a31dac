//! What anybody may hold against the provision log: its orders, its export, and what is wrong with it.
//!
//! Needs no server and no key that signs.  docs/LOG_FORMAT.md is the contract.
//!
//! Invariant: what comes from outside (notes, orders, exports) is judged, never trusted, and never
//! makes the judge panic.
//! Invariant: nothing here destroys or changes anything.

mod advice;
mod bodies;
mod carry_out;
mod chunk;
mod desk;
mod destruction;
mod draft;
mod export;
mod files;
mod findings;
mod fold;
mod gap;
mod lines;
mod memory;
mod notes;
pub mod order;
pub mod orders;
mod places;
mod ranges;
mod receipt;
mod reference;
mod resolve;
mod skeleton;
mod slip;
mod source;
mod stored;
mod survey;
#[cfg(test)]
mod testing;
mod unique;
mod verify;
mod walk;
mod witness;
mod write_export;

pub use carry_out::{NoSlip, slip_to_carry_out};
pub use draft::{Draft, NotDrafted};
pub use export::Export;
pub use files::{
    FileError, append_line, read_keys, read_order, read_receipt, read_witnessed, replace_file,
};
pub use findings::{Finding, Kind, Report};
pub use gap::{GapError, Moment, each_note, missing, newer_part, own_part};
pub use memory::{Memory, MemoryError, Shown};
pub use order::{
    Destroy, Hold, IndexRange, LiftHold, OpenedOrder, Order, OrderAct, OrderError, Scope,
};
pub use orders::{
    BodyFacts, EntryFacts, Facts, Fate, Orders, Slip, StandingHold, Unlawful, Verdict,
};
pub use receipt::{Proven, ReceiptError};
pub use source::{Listed, Source, StoredBody, StoredNote, Unreadable};
pub use stored::{Stored, StoredError, leaf_hashes, newest_checkpoint};
pub use survey::{Month, Survey, SurveyError, chunks};
pub use verify::{Evidence, Extent, Trust, verify};
pub use witness::Cosigned;
pub use write_export::{ExportError, Exported, write_export};
