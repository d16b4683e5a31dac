//! Where a log is read from: an export's folder, or the log's own database.

use std::ops::Range;

use ledger::{Hash, TileId};

/// Hands out what is stored, as it is stored, and judges nothing.
///
/// What is not there is left out; what is there but cannot be read is an error.  The verifier then
/// asks again for smaller pieces, until it knows which ones are lost.
pub trait Source {
    /// Signed checkpoints of at least this size, in ascending order, about `limit` of them.
    ///
    /// All of one size come together.  Fewer than `limit` are the last ones.
    fn checkpoints(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable>;

    /// Checkpoints with cosignatures of witnesses, in the same manner.
    fn witnessed(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable>;

    /// The first `width` hashes of a tile, or as many of them as there are.
    ///
    /// One too many says that what is stored is more than hashes.
    fn tile(&mut self, id: TileId, width: usize) -> Result<Option<Vec<Hash>>, Unreadable>;

    /// Whether tiles that are not full are stored as well.
    fn keeps_partial_tiles(&self) -> bool;

    /// Bodies at these indices in ascending order; one that is not there is left out.
    ///
    /// Several may claim the same index.
    fn bodies(&mut self, range: Range<u64>) -> Result<Vec<StoredBody>, Unreadable>;

    /// Leaf hashes kept one by one; `None` where only tiles have them.
    fn leaves(&mut self, range: Range<u64>) -> Result<Option<Vec<(u64, Hash)>>, Unreadable>;

    /// One past the last index that anything is stored for.
    fn end(&mut self) -> Result<u64, Unreadable>;
}

/// The medium, or the form on it, does not give the bytes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the log cannot be read")]
pub struct Unreadable;

/// A checkpoint as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNote {
    /// The size it is filed under, whatever its text says.
    pub size: u64,
    pub stored_at_unix_ms: i64,
    /// The root it is filed under, where that is kept.
    pub root: Option<Hash>,
    pub note: String,
}

/// An entry's body as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBody {
    pub index: u64,
    pub body: Vec<u8>,
    /// What a database found it by; an export has no such lists.
    pub listed: Option<Listed>,
}

/// The columns beside a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub segment: i32,
    pub is_order: bool,
    pub inquirer: Option<String>,
    pub provider: Option<String>,
}
