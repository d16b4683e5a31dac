//! The growing tree against the definitions, through crashes and restarts.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::{leaf_hash, oracle, tile::TILE_WIDTH, verify_consistency, verify_inclusion};

fn grown(leaves: &[Hash]) -> (Tree, Vec<FullTile>) {
    let mut tree = Tree::new();
    let tiles = leaves.iter().flat_map(|leaf| tree.append(*leaf)).collect();
    (tree, tiles)
}

fn size_of(leaves: &[Hash]) -> u64 {
    u64::try_from(leaves.len()).unwrap()
}

/// What a caller has stored: the tiles it was handed, and the entries.
fn store<'a>(
    tiles: &'a [FullTile],
    leaves: &'a [Hash],
) -> impl FnMut(TileId, usize) -> Result<Vec<Hash>, Infallible> + 'a {
    move |id, width| {
        if width == TILE_WIDTH {
            return Ok(tiles.iter().find(|tile| tile.id == id).unwrap().hashes.clone());
        }
        assert_eq!((id.level, id.index), (0, size_of(leaves) / 256), "only the tail is partial");
        Ok(leaves[leaves.len() - width..].to_vec())
    }
}

fn full_only(tiles: &[FullTile]) -> impl FnMut(TileId, usize) -> Result<Vec<Hash>, Infallible> {
    |id, width| {
        assert_eq!(width, TILE_WIDTH);
        Ok(tiles.iter().find(|tile| tile.id == id).unwrap().hashes.clone())
    }
}

fn nothing(id: TileId, _: usize) -> Result<Vec<Hash>, Infallible> {
    panic!("{id} was read")
}

#[test]
fn tiles_are_handed_out_once_and_as_the_specification_defines_them() {
    let leaves = oracle::leaves(256 * 256 + 300);
    let (tree, tiles) = grown(&leaves);
    let level = |level| tiles.iter().filter(move |tile| tile.id.level == level);
    assert!(level(0).map(|tile| tile.id.index).eq(0..257));
    assert!(level(1).map(|tile| tile.id.index).eq(0..1));
    assert_eq!(tiles.len(), 258);
    for tile in [&tiles[0], &tiles[255], &tiles[256], &tiles[257]] {
        assert_eq!(tile.hashes, oracle::tile(tile.id, &leaves), "{}", tile.id);
        assert_eq!(tile.to_bytes().len(), 8192);
    }
    assert_eq!(tree.root(), oracle::root(&leaves));
    for id in [(0, 257), (1, 1), (2, 0)].map(|(level, index)| TileId { level, index }) {
        assert_eq!(tree.tile(id).unwrap(), oracle::tile(id, &leaves), "{id}");
    }
    assert_eq!(tree.tile(TileId { level: 0, index: 3 }), None);
    assert_eq!(tree.tile(TileId { level: 0, index: 258 }), None);
}

#[test]
fn a_tree_of_three_levels_comes_back_and_proves_its_past() {
    let leaves = oracle::leaves(256 * 256 + 300);
    let (tree, tiles) = grown(&leaves);
    let (size, root) = (tree.size(), tree.root());
    let restored = Tree::restore(size, root, store(&tiles, &leaves)).unwrap();
    for index in [0, 255, 256, 65_535, 65_536, size - 1] {
        let proof = restored.inclusion_proof(index, size, full_only(&tiles)).unwrap();
        let leaf = leaves[usize::try_from(index).unwrap()];
        assert_eq!(verify_inclusion(leaf, index, size, root, &proof), Ok(()));
    }
    for old in [1, 255, 256, 257, 65_535, 65_536, 65_537, size] {
        let proof = restored.consistency_proof(old, size, full_only(&tiles)).unwrap();
        let old_root = oracle::root(&leaves[..usize::try_from(old).unwrap()]);
        assert_eq!(verify_consistency(old, old_root, size, root, &proof), Ok(()));
    }
}

#[test]
fn proofs_about_the_newest_256_leaves_read_nothing() {
    for size in [1, 255, 256, 257, 511, 512, 513, 1000] {
        let leaves = oracle::leaves(size);
        let (tree, _) = grown(&leaves);
        for index in (size.saturating_sub(256)..size).step_by(15) {
            let proof = tree.inclusion_proof(index, size, nothing).unwrap();
            let leaf = leaves[usize::try_from(index).unwrap()];
            assert_eq!(verify_inclusion(leaf, index, size, tree.root(), &proof), Ok(()));
            let proof = tree.consistency_proof(index, size, nothing).unwrap();
            let old_root = oracle::root(&leaves[..usize::try_from(index).unwrap()]);
            assert_eq!(verify_consistency(index, old_root, size, tree.root(), &proof), Ok(()));
        }
    }
}

#[test]
fn a_size_the_log_has_not_reached_has_no_proofs() {
    let (tree, _) = grown(&oracle::leaves(3));
    assert_eq!(tree.inclusion_proof(0, 4, nothing), Err(ReadError::OutOfRange));
    assert_eq!(tree.consistency_proof(1, 4, nothing), Err(ReadError::OutOfRange));
}

#[test]
fn a_failed_transaction_leaves_the_tree_as_it_was() {
    let leaves = oracle::leaves(600);
    let (mut tree, _) = grown(&leaves[..200]);
    let before = tree.root();
    drop(tree.stage([leaf_hash(b"never durable")]));
    assert_eq!((tree.size(), tree.root()), (200, before));

    let batch = tree.stage(leaves[200..].iter().copied());
    assert_eq!((batch.first_index(), batch.tiles().len()), (200, 2));
    assert_eq!((batch.tree().size(), batch.tree().root()), (600, oracle::root(&leaves)));
    assert_eq!(tree.size(), 200);
    tree.commit(batch).unwrap();
    assert_eq!((tree.size(), tree.root()), (600, oracle::root(&leaves)));
}

#[test]
fn a_batch_from_another_state_cannot_fork_the_log() {
    let mut tree = Tree::new();
    let (first, second) = (tree.stage([leaf_hash(b"a")]), tree.stage([leaf_hash(b"b")]));
    tree.commit(first).unwrap();
    assert_eq!(tree.commit(second).unwrap_err(), StaleBatch);
    let twin = grown(&[leaf_hash(b"b")]).0;
    assert_eq!(tree.commit(twin.stage([leaf_hash(b"c")])).unwrap_err(), StaleBatch);
    assert_eq!((tree.size(), tree.root()), (1, leaf_hash(b"a")));
}

#[test]
fn a_log_that_is_not_the_signed_one_does_not_open() {
    let leaves = oracle::leaves(600);
    let (tree, tiles) = grown(&leaves);
    let root = tree.root();

    let mut edited = tiles.clone();
    edited[1].hashes[17] = leaf_hash(b"edited");
    let found = Tree::restore(600, root, store(&edited, &leaves));
    assert_eq!(found.unwrap_err(), ReadError::WrongRoot);

    let found = Tree::restore(599, root, store(&tiles, &leaves[..599]));
    assert_eq!(found.unwrap_err(), ReadError::WrongRoot);

    let mut short = tiles.clone();
    short[1].hashes.pop();
    let found = Tree::restore(600, root, store(&short, &leaves));
    assert_eq!(found.unwrap_err(), ReadError::ShortTile(short[1].id));

    let found = Tree::restore(600, root, |_, _| Err("disk"));
    assert_eq!(found.unwrap_err(), ReadError::Store("disk"));

    let empty = Tree::restore(0, EMPTY_ROOT, nothing).unwrap();
    assert_eq!(empty.root(), EMPTY_ROOT);
}

#[test]
fn an_unbelievable_size_is_refused_without_harm() {
    let found = Tree::restore(u64::MAX, EMPTY_ROOT, |_, _| Ok::<_, Infallible>(Vec::new()));
    assert!(matches!(found.unwrap_err(), ReadError::ShortTile(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_restored_tree_grows_like_the_one_that_never_stopped(
        before in 0..1000u64,
        batches in prop::collection::vec(0..300usize, 0..4),
    ) {
        let more: usize = batches.iter().sum();
        let leaves = oracle::leaves(before + u64::try_from(more).unwrap());
        let (old, new) = leaves.split_at(leaves.len() - more);
        let (mut kept, mut tiles) = grown(old);
        let mut restored = Tree::restore(before, kept.root(), store(&tiles, old)).unwrap();
        let mut rest = new;
        for count in batches {
            let (now, later) = rest.split_at(count);
            rest = later;
            let batch = restored.stage(now.iter().copied());
            let expected: Vec<_> = now.iter().flat_map(|leaf| kept.append(*leaf)).collect();
            prop_assert_eq!(batch.tiles(), &expected);
            tiles.extend(expected);
            restored.commit(batch).unwrap();
            prop_assert_eq!(restored.root(), kept.root());
        }
        prop_assert_eq!(restored.root(), oracle::root(&leaves));
        for index in (0..restored.size()).step_by(61) {
            let proof = restored.inclusion_proof(index, restored.size(), full_only(&tiles)).unwrap();
            let leaf = leaves[usize::try_from(index).unwrap()];
            let found = verify_inclusion(leaf, index, restored.size(), restored.root(), &proof);
            prop_assert_eq!(found, Ok(()));
        }
    }

    #[test]
    fn proofs_at_an_earlier_size_are_those_given_then(
        size in 1..1000u64,
        grown_by in 0..600u64,
        pick: prop::sample::Index,
    ) {
        let leaves = oracle::leaves(size + grown_by);
        let (tree, tiles) = grown(&leaves);
        let then = &leaves[..usize::try_from(size).unwrap()];
        let index = pick.index(then.len());
        let at = u64::try_from(index).unwrap();
        let proof = tree.inclusion_proof(at, size, full_only(&tiles)).unwrap();
        prop_assert_eq!(proof, oracle::path(index, then));
        let proof = tree.consistency_proof(at + 1, size, full_only(&tiles)).unwrap();
        prop_assert_eq!(proof, oracle::subproof(index + 1, then, true));
    }
}
