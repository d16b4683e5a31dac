//! Making proofs from tiles (RFC 6962 §2.1.1 and §2.1.2).
//!
//! A reader is asked for a tile and for the width that tile has in the tree in question; it answers
//! at least that many hashes.

use std::ops::Range;

use crate::{
    hash::{EMPTY_ROOT, Hash, node_hash},
    rows::Rows,
    tile::{Node, TileId},
};

/// Why hashes could not be had from a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E> {
    #[error("the log is not that long")]
    OutOfRange,
    #[error("{0} has fewer hashes than the log's size says")]
    ShortTile(TileId),
    #[error("the stored hashes do not make the expected root")]
    WrongRoot,
    #[error("a tile could not be read")]
    Store(#[source] E),
}

/// Makes the proof that the leaf at `index` is in the tree of `size` leaves.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    read: &mut impl FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
) -> Result<Vec<Hash>, ReadError<E>> {
    let mut stored = Stored::new(size, read);
    inclusion(index, size, &mut |node| stored.node(node))
}

/// Makes the proof that the tree of `new` leaves begins with the tree of `old` leaves.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    read: &mut impl FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
) -> Result<Vec<Hash>, ReadError<E>> {
    let mut stored = Stored::new(new, read);
    consistency(old, new, &mut |node| stored.node(node))
}

/// Walks from the root down to the leaf, noting at each fork the side not taken.
pub(crate) fn inclusion<E>(
    index: u64,
    size: u64,
    node: &mut impl FnMut(Node) -> Result<Hash, ReadError<E>>,
) -> Result<Vec<Hash>, ReadError<E>> {
    if index >= size {
        return Err(ReadError::OutOfRange);
    }
    let mut proof = Vec::new();
    let mut here = 0..size;
    while here.end - here.start > 1 {
        let fork = fork(&here);
        if index < fork {
            proof.push(range_root(fork..here.end, node)?);
            here.end = fork;
        } else {
            proof.push(range_root(here.start..fork, node)?);
            here.start = fork;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Walks from the new root down to the last subtree of the old tree, noting the sides not taken.
pub(crate) fn consistency<E>(
    old: u64,
    new: u64,
    node: &mut impl FnMut(Node) -> Result<Hash, ReadError<E>>,
) -> Result<Vec<Hash>, ReadError<E>> {
    if old > new {
        return Err(ReadError::OutOfRange);
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let mut here = 0..new;
    while here.end != old {
        let fork = fork(&here);
        if old <= fork {
            proof.push(range_root(fork..here.end, node)?);
            here.end = fork;
        } else {
            proof.push(range_root(here.start..fork, node)?);
            here.start = fork;
        }
    }
    // A subtree that begins at 0 is the whole old tree: the verifier has its root already.
    if here.start > 0 {
        proof.push(range_root(here, node)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The largest power of two below the number of leaves splits a tree in two.
fn fork(range: &Range<u64>) -> u64 {
    range.start + (1 << (range.end - range.start - 1).ilog2())
}

/// The root over a range that begins where a subtree of its length may begin.
fn range_root<E>(
    range: Range<u64>,
    node: &mut impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let leaves = range.end - range.start;
    let mut start = range.start;
    let mut peaks = Vec::new();
    for height in (0..64).rev().filter(|height| (leaves >> height) & 1 == 1) {
        peaks.push(node(Node { height, index: start >> height })?);
        start += 1 << height;
    }
    let root = peaks.into_iter().rev().reduce(|right, left| node_hash(left, right));
    Ok(root.unwrap_or(EMPTY_ROOT))
}

/// Nodes out of stored tiles; during one proof each tile is read once.
pub(crate) struct Stored<'r, R> {
    size: u64,
    read: &'r mut R,
    tiles: Vec<(TileId, Rows)>,
}

impl<'r, R, E> Stored<'r, R>
where
    R: FnMut(TileId, usize) -> Result<Vec<Hash>, E>,
{
    pub(crate) fn new(size: u64, read: &'r mut R) -> Self {
        Self { size, read, tiles: Vec::new() }
    }

    pub(crate) fn node(&mut self, node: Node) -> Result<Hash, ReadError<E>> {
        let id = node.tile();
        let found = match self.tiles.iter().find(|(known, _)| *known == id) {
            Some((_, rows)) => rows.node(node.row(), node.position()),
            None => {
                let rows = Rows::fill(self.hashes(id)?).0;
                let found = rows.node(node.row(), node.position());
                self.tiles.push((id, rows));
                found
            }
        };
        found.ok_or(ReadError::ShortTile(id))
    }

    /// The hashes a tile has in this tree; a tile that is not there at all is never asked for.
    pub(crate) fn hashes(&mut self, id: TileId) -> Result<Vec<Hash>, ReadError<E>> {
        let width = id.width_in(self.size);
        if width == 0 {
            return Ok(Vec::new());
        }
        let mut hashes = (self.read)(id, width).map_err(ReadError::Store)?;
        if hashes.len() < width {
            return Err(ReadError::ShortTile(id));
        }
        hashes.truncate(width);
        Ok(hashes)
    }
}
