//! The growing tree: its right edge in memory, its full tiles handed out to be stored.

use std::{fmt, mem, sync::Arc};

use crate::{
    hash::{EMPTY_ROOT, Hash, node_hash},
    proof::{self, ReadError, Stored},
    rows::Rows,
    tile::{FullTile, Node, TileId, hashes_at},
};

/// A log's Merkle tree as its one writer holds it.
///
/// Only the open tile and the one before it are kept per level, so a clone costs some ten KiB
/// whatever the log's length, and proofs about the newest 256 leaves need no reader.
#[derive(Clone, Default)]
pub struct Tree {
    size: u64,
    levels: Vec<Level>,
}

/// The right end of one level of tiles.
#[derive(Clone, Default)]
struct Level {
    /// How many tiles of this level are full; the open one has this index.
    full: u64,
    open: Rows,
    last: Option<Arc<Rows>>,
}

/// Leaves computed onto a tree, but not part of it until committed.
///
/// The writer stores entries, tiles and checkpoint of the batch in one transaction; when that
/// fails it drops the batch, and the tree is what it was.
#[derive(Debug)]
#[must_use = "a batch that is not committed is forgotten"]
pub struct Batch {
    base_size: u64,
    base_root: Hash,
    tree: Tree,
    tiles: Vec<FullTile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batch was computed from another state of the tree")]
pub struct StaleBatch;

impl Tree {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds the tree of a stored log and proves it to be the one with this root.
    ///
    /// The reader is asked for full tiles, and at level 0 for the leaf hashes after the last full
    /// tile. The root is that of the last checkpoint: a log that was cut, edited or exchanged since
    /// then does not open.
    pub fn restore<E>(
        size: u64,
        root: Hash,
        mut read: impl FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, ReadError<E>> {
        let mut stored = Stored::new(size, &mut read);
        let levels = (0..)
            .take_while(|level| hashes_at(*level, size) > 0)
            .map(|level| Level::restore(level, size, &mut stored))
            .collect::<Result<_, _>>()?;
        let tree = Self { size, levels };
        if tree.root() == root { Ok(tree) } else { Err(ReadError::WrongRoot) }
    }

    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    #[must_use]
    pub fn root(&self) -> Hash {
        let peaks = self.levels.iter().flat_map(|level| level.open.peaks());
        peaks.reduce(|right, left| node_hash(left, right)).unwrap_or(EMPTY_ROOT)
    }

    /// Adds a leaf; answers the tiles it made full, the lowest level first.
    pub fn append(&mut self, leaf: Hash) -> Vec<FullTile> {
        self.size += 1;
        let mut tiles = Vec::new();
        let mut hash = leaf;
        for (number, level) in (0..).zip(&mut self.levels) {
            let id = TileId { level: number, index: level.full };
            let Some((hashes, root)) = level.push(hash) else { return tiles };
            tiles.push(FullTile { id, hashes });
            hash = root;
        }
        let open = Rows::fill([hash]).0;
        self.levels.push(Level { open, ..Level::default() });
        tiles
    }

    /// Computes what the tree becomes with these leaves, without changing it.
    pub fn stage(&self, leaves: impl IntoIterator<Item = Hash>) -> Batch {
        let mut tree = self.clone();
        let tiles = leaves.into_iter().flat_map(|leaf| tree.append(leaf)).collect();
        Batch { base_size: self.size, base_root: self.root(), tree, tiles }
    }

    /// Takes over a batch that is durable; one staged from another state would fork the log.
    pub fn commit(&mut self, batch: Batch) -> Result<(), StaleBatch> {
        if batch.base_size != self.size || batch.base_root != self.root() {
            return Err(StaleBatch);
        }
        *self = batch.tree;
        Ok(())
    }

    /// The hashes of a tile near the right edge, as far as they are in memory.
    #[must_use]
    pub fn tile(&self, id: TileId) -> Option<&[Hash]> {
        self.rows(id).map(Rows::hashes).filter(|hashes| !hashes.is_empty())
    }

    /// Makes an inclusion proof in the tree as it was at `size`; only full tiles are asked for.
    pub fn inclusion_proof<E>(
        &self,
        index: u64,
        size: u64,
        mut read: impl FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
    ) -> Result<Vec<Hash>, ReadError<E>> {
        let mut stored = self.stored(size, &mut read)?;
        proof::inclusion(index, size, &mut |node| self.node_or(node, &mut stored))
    }

    /// Makes a consistency proof between two earlier sizes; only full tiles are asked for.
    pub fn consistency_proof<E>(
        &self,
        old: u64,
        new: u64,
        mut read: impl FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
    ) -> Result<Vec<Hash>, ReadError<E>> {
        let mut stored = self.stored(new, &mut read)?;
        proof::consistency(old, new, &mut |node| self.node_or(node, &mut stored))
    }

    /// Tiles are asked for at today's width: what was partial at `size` is stored full by now.
    fn stored<'r, R, E>(&self, size: u64, read: &'r mut R) -> Result<Stored<'r, R>, ReadError<E>>
    where
        R: FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
    {
        if size > self.size {
            return Err(ReadError::OutOfRange);
        }
        Ok(Stored::new(self.size, read))
    }

    fn node_or<R, E>(&self, node: Node, stored: &mut Stored<'_, R>) -> Result<Hash, ReadError<E>>
    where
        R: FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
    {
        let here = self.rows(node.tile()).and_then(|rows| rows.node(node.row(), node.position()));
        here.map_or_else(|| stored.node(node), Ok)
    }

    fn rows(&self, id: TileId) -> Option<&Rows> {
        let level = self.levels.get(usize::from(id.level))?;
        match level.full.checked_sub(id.index)? {
            0 => Some(&level.open),
            1 => level.last.as_deref(),
            _ => None,
        }
    }
}

impl Level {
    fn restore<R, E>(level: u8, size: u64, stored: &mut Stored<'_, R>) -> Result<Self, ReadError<E>>
    where
        R: FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
    {
        let full = hashes_at(level + 1, size);
        let open = match level.checked_sub(1) {
            None => Rows::fill(stored.hashes(TileId { level, index: full })?).0,
            Some(below) => {
                let first = full << 8;
                let mut roots = Vec::new();
                for index in first..hashes_at(level, size) {
                    let id = TileId { level: below, index };
                    let root = Rows::fill(stored.hashes(id)?).1;
                    roots.push(root.ok_or(ReadError::ShortTile(id))?);
                }
                Rows::fill(roots).0
            }
        };
        Ok(Self { full, open, last: None })
    }

    /// Adds a hash; when that fills the open tile, answers its hashes and root and opens the next.
    fn push(&mut self, hash: Hash) -> Option<(Vec<Hash>, Hash)> {
        let root = self.open.push(hash)?;
        let rows = mem::take(&mut self.open);
        let hashes = rows.hashes().to_vec();
        self.full += 1;
        self.last = Some(Arc::new(rows));
        Some((hashes, root))
    }
}

impl Batch {
    /// The index of the batch's first leaf.
    #[must_use]
    pub fn first_index(&self) -> u64 {
        self.base_size
    }

    /// The tiles that became full, to be stored with the batch.
    #[must_use]
    pub fn tiles(&self) -> &[FullTile] {
        &self.tiles
    }

    /// The tree as it will be: its size and root go into the checkpoint, proofs into receipts.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root();
        f.debug_struct("Tree")
            .field("size", &self.size)
            .field("root", &root)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
