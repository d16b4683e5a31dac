//! Checking proofs with nothing but the hashes in hand (RFC 9162 §2.1.3.2 and §2.1.4.2).
//!
//! Sizes and roots belong together and are taken from one signed checkpoint: a root does not say by
//! itself how many leaves are under it.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the leaf or the older size lies beyond the tree")]
    OutOfRange,
    #[error("the proof has the wrong number of hashes")]
    WrongLength,
    #[error("the proof does not lead to the root")]
    WrongRoot,
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves with this root.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let mut climb = Climb { index, last: size - 1 };
    let mut node = leaf;
    for sibling in proof {
        node = match climb.step()? {
            Side::Left => node_hash(*sibling, node),
            Side::Right => node_hash(node, *sibling),
        };
    }
    climb.finish()?;
    same(node, root)
}

/// Checks that the tree of `new_size` leaves begins with the tree of `old_size` leaves.
pub fn verify_consistency(
    old_size: u64,
    old_root: Hash,
    new_size: u64,
    new_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::OutOfRange);
    }
    if old_size == 0 {
        same(old_root, EMPTY_ROOT)?;
    }
    if old_size == new_size {
        same(old_root, new_root)?;
    }
    if old_size == 0 || old_size == new_size {
        return if proof.is_empty() { Ok(()) } else { Err(ProofError::WrongLength) };
    }
    // The walk begins at the last complete subtree of the old tree; when that is the whole old
    // tree, its root is known and not repeated in the proof.
    let (start, siblings) = match proof {
        siblings if old_size.is_power_of_two() => (old_root, siblings),
        [first, siblings @ ..] => (*first, siblings),
        [] => return Err(ProofError::WrongLength),
    };
    let below = (old_size - 1).trailing_ones();
    let mut climb = Climb { index: (old_size - 1) >> below, last: (new_size - 1) >> below };
    let (mut old, mut new) = (start, start);
    for sibling in siblings {
        match climb.step()? {
            Side::Left => {
                old = node_hash(*sibling, old);
                new = node_hash(*sibling, new);
            }
            Side::Right => new = node_hash(new, *sibling),
        }
    }
    climb.finish()?;
    same(old, old_root)?;
    same(new, new_root)
}

/// Where a node stands on its way up: its index and the last index at its height.
struct Climb {
    index: u64,
    last: u64,
}

/// On which side the sibling stands.
enum Side {
    Left,
    Right,
}

impl Climb {
    fn step(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::WrongLength);
        }
        if self.index < self.last && self.index & 1 == 0 {
            self.up();
            return Ok(Side::Right);
        }
        // The last node rises unhashed past every height at which it has no sibling.
        while self.index > 0 && self.index & 1 == 0 {
            self.up();
        }
        self.up();
        Ok(Side::Left)
    }

    fn up(&mut self) {
        self.index >>= 1;
        self.last >>= 1;
    }

    fn finish(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::WrongLength) }
    }
}

fn same(found: Hash, expected: Hash) -> Result<(), ProofError> {
    if found == expected { Ok(()) } else { Err(ProofError::WrongRoot) }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
