//! A stored log at its newest checkpoint, from which single entries are proven to others.

use std::ops::Range;

use ledger::{Checkpoint, EMPTY_ROOT, Hash, ReadError, TILE_WIDTH, TileId, Tree};
use wire::Base64Bytes;
use wire::provision_log::Receipt;

use crate::source::{Source, StoredNote, Unreadable};
use crate::verify::Trust;

/// Proves what is stored; the whole log is judged elsewhere.
#[derive(Debug)]
pub struct Stored {
    pub checkpoint: Checkpoint,
    /// The signed note that says so.
    pub note: String,
    tree: Tree,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the log has no checkpoint")]
    Empty,
    #[error("the newest checkpoint is not signed by a given key of the log")]
    Unsigned,
    #[error("the log does not lead to its newest checkpoint")]
    Damaged,
    #[error("the log has no checkpoint of this size")]
    NoSuchSize,
    #[error("the checkpoint does not reach this entry")]
    OutOfRange,
    #[error("the body of this entry is not there")]
    NoBody,
}

impl From<ReadError<Unreadable>> for StoredError {
    fn from(error: ReadError<Unreadable>) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::OutOfRange => Self::OutOfRange,
            _ => Self::Damaged,
        }
    }
}

/// The newest stored checkpoint, whoever signed it.
pub fn newest_checkpoint(source: &mut dyn Source) -> Result<Option<StoredNote>, Unreadable> {
    const LIMIT: usize = 1_000;
    let (mut from, mut step) = (source.end()?, 1);
    // Where the log is whole, the newest checkpoint's size is the log's end.
    while from > 0 && source.checkpoints(from, 1)?.is_empty() {
        from = from.saturating_sub(step);
        step = step.saturating_mul(2);
    }
    let mut newest = None;
    loop {
        let page = source.checkpoints(from, LIMIT)?;
        let is_last = page.len() < LIMIT;
        let Some(last) = page.into_iter().next_back() else { return Ok(newest) };
        from = last.size.saturating_add(1);
        newest = Some(last);
        if is_last {
            return Ok(newest);
        }
    }
}

impl Stored {
    /// Opens a log that leads to its newest checkpoint, which one of these keys signed.
    pub fn open(source: &mut dyn Source, trust: &Trust) -> Result<Self, StoredError> {
        let StoredNote { note, .. } = newest_checkpoint(source)?.ok_or(StoredError::Empty)?;
        let checkpoint = Checkpoint::open(&note, &trust.origin, &trust.log)
            .map_err(|_| StoredError::Unsigned)?;
        let Checkpoint { size, root, .. } = checkpoint;
        let tree = Tree::restore(size, root, |id, width| read_tile(source, id, width))?;
        Ok(Self { checkpoint, note, tree })
    }

    /// A log that has not begun.
    pub fn empty(source: &mut dyn Source, trust: &Trust) -> Result<Self, StoredError> {
        let origin = trust.origin.clone();
        let checkpoint = Checkpoint { origin, size: 0, root: EMPTY_ROOT };
        let has_begun = source.end()? > 0 || newest_checkpoint(source)?.is_some();
        let empty = Self { checkpoint, note: String::new(), tree: Tree::new() };
        if has_begun { Err(StoredError::Damaged) } else { Ok(empty) }
    }

    /// The tree as far as the newest checkpoint reaches.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Proves that the newest checkpoint continues the log at an older size.
    pub fn consistency(
        &self,
        source: &mut dyn Source,
        old_size: u64,
    ) -> Result<Vec<Hash>, StoredError> {
        let read = |id, width| read_tile(source, id, width);
        Ok(self.tree.consistency_proof(old_size, self.checkpoint.size, read)?)
    }

    /// Proves an entry under the newest checkpoint, or under the one of this size.
    pub fn receipt(
        &self,
        source: &mut dyn Source,
        index: u64,
        size: Option<u64>,
    ) -> Result<Receipt, StoredError> {
        let size = size.unwrap_or(self.checkpoint.size);
        let checkpoint = if size == self.checkpoint.size {
            self.note.clone()
        } else {
            let found = source.checkpoints(size, 1)?.into_iter().find(|one| one.size == size);
            found.ok_or(StoredError::NoSuchSize)?.note
        };
        let proof =
            self.tree.inclusion_proof(index, size, |id, width| read_tile(source, id, width))?;
        let bodies = source.bodies(index..index.saturating_add(1))?;
        let body = bodies.into_iter().next().ok_or(StoredError::NoBody)?.body;
        let entry = String::from_utf8(body).map_err(|_| StoredError::Damaged)?;
        let proof = proof.iter().map(|hash| Base64Bytes(hash.as_bytes().to_vec())).collect();
        Ok(Receipt { entry, index, checkpoint, proof })
    }
}

/// The leaf hashes of entries within one tile.
pub fn leaf_hashes(source: &mut dyn Source, range: Range<u64>) -> Result<Vec<Hash>, Unreadable> {
    let wanted = usize::try_from(range.end.saturating_sub(range.start)).map_err(|_| Unreadable)?;
    let hashes: Vec<Hash> = match source.leaves(range.clone())? {
        Some(leaves) => leaves.into_iter().map(|(_, hash)| hash).collect(),
        None => {
            let width = u64::try_from(TILE_WIDTH).map_err(|_| Unreadable)?;
            let id = TileId { level: 0, index: range.start / width };
            let before = usize::try_from(range.start % width).map_err(|_| Unreadable)?;
            let tile = source.tile(id, before.saturating_add(wanted))?.unwrap_or_default();
            tile.into_iter().skip(before).collect()
        }
    };
    if hashes.len() == wanted { Ok(hashes) } else { Err(Unreadable) }
}

/// Where the log keeps no tiles that are not full, their leaves are kept one by one.
fn read_tile(source: &mut dyn Source, id: TileId, width: usize) -> Result<Vec<Hash>, Unreadable> {
    let first = id.index.saturating_mul(u64::try_from(TILE_WIDTH).map_err(|_| Unreadable)?);
    let end = first.saturating_add(u64::try_from(width).map_err(|_| Unreadable)?);
    if id.level == 0
        && width < TILE_WIDTH
        && let Some(leaves) = source.leaves(first..end)?
    {
        return Ok(leaves.into_iter().map(|(_, hash)| hash).collect());
    }
    // A tile that is not there has fewer hashes than asked for, which its reader notices.
    Ok(source.tile(id, width)?.unwrap_or_default())
}
