//! A tile with the nodes between its hashes, so that proofs look up instead of hashing again.

use crate::{hash::Hash, node_hash, tile::TILE_WIDTH};

/// The eight heights of nodes inside one tile: row 0 is the tile itself, row 7 has two nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows([Vec<Hash>; 8]);

impl Rows {
    /// Fills a tile from the left; the second part is its root, once it is full.
    pub(crate) fn fill(hashes: impl IntoIterator<Item = Hash>) -> (Self, Option<Hash>) {
        let mut rows = Self::default();
        let root = hashes.into_iter().take(TILE_WIDTH).fold(None, |_, hash| rows.push(hash));
        (rows, root)
    }

    /// Adds a hash on the right; answers the tile's root when this one made it full.
    pub(crate) fn push(&mut self, hash: Hash) -> Option<Hash> {
        let mut node = hash;
        for row in &mut self.0 {
            row.push(node);
            match row.as_slice() {
                [.., left, right] if row.len().is_multiple_of(2) => node = node_hash(*left, *right),
                _ => return None,
            }
        }
        Some(node)
    }

    pub(crate) fn hashes(&self) -> &[Hash] {
        let [hashes, ..] = &self.0;
        hashes
    }

    pub(crate) fn node(&self, row: u8, position: usize) -> Option<Hash> {
        self.0.get(usize::from(row))?.get(position).copied()
    }

    /// The roots of the complete subtrees that make up this tile, right to left.
    pub(crate) fn peaks(&self) -> impl Iterator<Item = Hash> {
        let odd = self.0.iter().filter(|row| !row.len().is_multiple_of(2));
        odd.filter_map(|row| row.last().copied())
    }
}
