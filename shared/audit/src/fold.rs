//! The tree's arithmetic over 256 leaves at a time, and the root of everything before them.

use ledger::{EMPTY_ROOT, Hash, node_hash};

/// How many leaves a tile of level 0 covers, and how many hashes any tile holds.
pub(crate) const WIDTH: u64 = 256;
/// How many heights a tile spans.
pub(crate) const TILE_HEIGHT: u8 = 8;

/// A node of the tree, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) hash: Hash,
    /// Whether a signed root proves it; otherwise it is only what is stored.
    pub(crate) is_authentic: bool,
}

/// Nodes of a piece of the tree: the given hashes and all that they complete above them.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    rows: Vec<Vec<Hash>>,
    is_authentic: bool,
}

impl Piece {
    pub(crate) fn of(hashes: &[Hash], is_authentic: bool) -> Self {
        let mut rows = Vec::with_capacity(9);
        let mut row = hashes.to_vec();
        while row.len() > 1 {
            let pairs = row.as_chunks::<2>().0.iter();
            let above = pairs.map(|[left, right]| node_hash(*left, *right)).collect();
            rows.push(std::mem::replace(&mut row, above));
        }
        rows.push(row);
        Self { rows, is_authentic }
    }

    /// The root of 256 hashes.
    pub(crate) fn root(&self) -> Option<Hash> {
        self.rows.get(usize::from(TILE_HEIGHT))?.first().copied()
    }

    /// The complete subtrees over the first `count` hashes, left to right.
    fn peaks(&self, count: u64) -> impl Iterator<Item = Option<Hash>> + '_ {
        let heights = (0..=TILE_HEIGHT).rev().filter(move |height| (count >> height) & 1 == 1);
        heights.map(move |height| {
            let place = usize::try_from((count >> height) - 1).ok();
            let row = self.rows.get(usize::from(height));
            row.zip(place).and_then(|(row, place)| row.get(place)).copied()
        })
    }
}

/// The root of a whole tile.
pub(crate) fn tile_root(hashes: &[Hash]) -> Option<Hash> {
    if hashes.len() == 256 { Piece::of(hashes, false).root() } else { None }
}

/// The complete subtrees of everything up to a size, from left to right.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier {
    size: u64,
    peaks: Vec<(u8, Option<Known>)>,
}

impl Frontier {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a complete subtree on the right; `known` is asked for nodes on tile borders.
    pub(crate) fn push(
        &mut self,
        height: u8,
        node: Option<Known>,
        known: impl Fn(u8, u64) -> Option<Known>,
    ) {
        let (mut height, mut node) = (height, node);
        self.size += 1 << height;
        while let Some((_, left)) = self.peaks.pop_if(|(left_height, _)| *left_height == height) {
            height += 1;
            node = left.zip(node).map(|(left, right)| Known {
                hash: node_hash(left.hash, right.hash),
                is_authentic: left.is_authentic && right.is_authentic,
            });
            if height.is_multiple_of(TILE_HEIGHT) {
                let proven = known(height / TILE_HEIGHT, (self.size >> height) - 1);
                node = proven.filter(|node| node.is_authentic).or(node);
            }
        }
        self.peaks.push((height, node));
    }

    /// The root with these subtrees on the right; `None` if a node of it is not known.
    pub(crate) fn root_with(&self, right: &Piece, count: u64) -> Option<Known> {
        let is_authentic = right.is_authentic;
        let right = right.peaks(count).map(|hash| hash.map(|hash| Known { hash, is_authentic }));
        let left = self.peaks.iter().map(|(_, node)| *node);
        let nodes: Vec<Known> = left.chain(right).collect::<Option<_>>()?;
        let is_authentic = nodes.iter().all(|node| node.is_authentic);
        let hashes = nodes.into_iter().map(|node| node.hash);
        let hash = hashes.rev().reduce(|right, left| node_hash(left, right)).unwrap_or(EMPTY_ROOT);
        Some(Known { hash, is_authentic })
    }

    /// Whether the root can be made.
    pub(crate) fn is_known(&self) -> bool {
        self.peaks.iter().all(|(_, node)| node.is_some())
    }

    pub(crate) fn is_authentic(&self) -> bool {
        self.peaks.iter().all(|(_, node)| node.is_some_and(|node| node.is_authentic))
    }

    /// A signed root has this very value, so every node below it is what was signed.
    pub(crate) fn prove(&mut self) {
        for (_, node) in &mut self.peaks {
            if let Some(node) = node {
                node.is_authentic = true;
            }
        }
    }

    /// A signed root has another value; nothing can be said until a proven node covers all of it.
    pub(crate) fn forget(&mut self) {
        for (_, node) in &mut self.peaks {
            *node = node.filter(|node| node.is_authentic);
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Tree, leaf_hash};

    use super::*;

    #[test]
    fn every_prefix_has_the_root_of_the_tree() {
        let (mut tree, mut frontier) = (Tree::new(), Frontier::default());
        let leaves: Vec<Hash> = (0..700u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        for chunk in leaves.chunks(256) {
            let piece = Piece::of(chunk, true);
            for count in 0..=u64::try_from(chunk.len()).unwrap() {
                let root = frontier.root_with(&piece, count).unwrap().hash;
                assert_eq!(root, tree.root());
                if let Some(leaf) = chunk.get(usize::try_from(count).unwrap()) {
                    tree.append(*leaf);
                }
            }
            if let Some(hash) = piece.root() {
                frontier.push(8, Some(Known { hash, is_authentic: true }), |_, _| None);
            }
        }
        assert_eq!(frontier.size(), 512);
    }

    #[test]
    fn an_unknown_node_makes_the_root_unknown_until_a_proven_one_covers_it() {
        let mut frontier = Frontier::default();
        let known = |hash| Known { hash, is_authentic: true };
        let proven = known(leaf_hash(b"proven"));
        for index in 0..256u32 {
            let node = (index != 3).then(|| known(leaf_hash(&index.to_be_bytes())));
            frontier.push(8, node, |level, index| (level == 2 && index == 0).then_some(proven));
            assert_eq!(
                frontier.root_with(&Piece::default(), 0).is_some(),
                index < 3 || index == 255
            );
        }
        assert_eq!(frontier.root_with(&Piece::default(), 0), Some(proven));
    }
}
