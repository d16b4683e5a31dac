//! A second, slow implementation straight from the definitions of RFC 6962, to test against.

use crate::{
    hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash},
    tile::TileId,
};

/// The bodies known from the certificate transparency reference tests.
pub(crate) const CLASSIC: [&[u8]; 8] = [
    &[],
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    &[
        0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e,
        0x6f,
    ],
];

/// Leaves that differ from each other and from run to run of the argument.
pub(crate) fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

fn split(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

/// MTH(D).
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = split(leaves);
            node_hash(root(left), root(right))
        }
    }
}

/// PATH(m, D).
pub(crate) fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = split(leaves);
    let (mut proof, last) = if m < left.len() {
        (path(m, left), root(right))
    } else {
        (path(m - left.len(), right), root(left))
    };
    proof.push(last);
    proof
}

/// SUBPROOF(m, D, known).
pub(crate) fn subproof(m: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = split(leaves);
    let (mut proof, last) = if m <= left.len() {
        (subproof(m, left, known), root(right))
    } else {
        (subproof(m - left.len(), right, false), root(left))
    };
    proof.push(last);
    proof
}

/// The hashes of a tile, by its definition in tlog-tiles.
pub(crate) fn tile(id: TileId, leaves: &[Hash]) -> Vec<Hash> {
    let span = 256_usize.pow(u32::from(id.level));
    let first = usize::try_from(id.index).unwrap() * 256 * span;
    let rest = leaves.get(first..).unwrap_or_default();
    rest.chunks_exact(span).take(256).map(root).collect()
}
