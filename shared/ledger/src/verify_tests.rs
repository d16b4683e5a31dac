//! Proofs made by this crate against the definitions, and proofs that were tampered with.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::{
    hash::leaf_hash,
    oracle,
    proof::{ReadError, consistency_proof, inclusion_proof},
    tile::TileId,
};

fn hex(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| format!("{hash:?}")).collect()
}

fn at(index: u64) -> usize {
    usize::try_from(index).unwrap()
}

fn reader(leaves: &[Hash]) -> impl FnMut(TileId, usize) -> Result<Vec<Hash>, Infallible> {
    |id, width| {
        let hashes = oracle::tile(id, leaves);
        assert_eq!(hashes.len(), width, "{id} is asked for at the width it has");
        Ok(hashes)
    }
}

fn prove_inclusion(index: u64, leaves: &[Hash]) -> Vec<Hash> {
    let size = u64::try_from(leaves.len()).unwrap();
    inclusion_proof(index, size, &mut reader(leaves)).unwrap()
}

fn prove_consistency(old: u64, leaves: &[Hash]) -> Vec<Hash> {
    let size = u64::try_from(leaves.len()).unwrap();
    consistency_proof(old, size, &mut reader(leaves)).unwrap()
}

/// Every way to damage a proof in one place.
fn damaged(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let stranger = leaf_hash(b"stranger");
    let mut all = Vec::new();
    for place in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[place] = stranger;
        all.push(changed);
        let mut shortened = proof.to_vec();
        shortened.remove(place);
        all.push(shortened);
        if place > 0 {
            let mut swapped = proof.to_vec();
            swapped.swap(place - 1, place);
            all.push(swapped);
        }
    }
    for place in 0..=proof.len() {
        let mut lengthened = proof.to_vec();
        lengthened.insert(place, stranger);
        all.push(lengthened);
    }
    all
}

fn inclusion_holds_and_only_for_itself(index: u64, leaves: &[Hash]) {
    let size = u64::try_from(leaves.len()).unwrap();
    let (leaf, root) = (leaves[at(index)], oracle::root(leaves));
    let proof = prove_inclusion(index, leaves);
    assert_eq!(proof, oracle::path(at(index), leaves));
    assert_eq!(verify_inclusion(leaf, index, size, root, &proof), Ok(()));

    let stranger = leaf_hash(b"stranger");
    assert!(verify_inclusion(stranger, index, size, root, &proof).is_err());
    assert!(verify_inclusion(leaf, index, size, stranger, &proof).is_err());
    for other in (0..size + 2).filter(|other| *other != index) {
        assert!(verify_inclusion(leaf, other, size, root, &proof).is_err(), "at {other}");
    }
    for wrong in damaged(&proof) {
        assert!(verify_inclusion(leaf, index, size, root, &wrong).is_err());
    }
}

fn consistency_holds_and_only_for_itself(old: u64, leaves: &[Hash]) {
    let new = u64::try_from(leaves.len()).unwrap();
    let (old_root, new_root) = (oracle::root(&leaves[..at(old)]), oracle::root(leaves));
    let proof = prove_consistency(old, leaves);
    let expected = if old == 0 { Vec::new() } else { oracle::subproof(at(old), leaves, true) };
    assert_eq!(proof, expected);
    assert_eq!(verify_consistency(old, old_root, new, new_root, &proof), Ok(()));

    let stranger = leaf_hash(b"stranger");
    assert!(verify_consistency(old, stranger, new, new_root, &proof).is_err());
    // An empty log is the beginning of every log.
    if old > 0 {
        assert!(verify_consistency(old, old_root, new, stranger, &proof).is_err());
    }
    assert!(verify_consistency(new + 1, old_root, new, new_root, &proof).is_err());
    for wrong in damaged(&proof) {
        assert!(verify_consistency(old, old_root, new, new_root, &wrong).is_err());
    }
}

#[test]
fn the_classic_trees_have_the_published_roots() {
    let expected = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = crate::Tree::new();
    for (size, expected) in expected.into_iter().enumerate() {
        assert_eq!(format!("{:?}", tree.root()), expected, "{size} leaves");
        oracle::CLASSIC.get(size).map(|body| tree.append(leaf_hash(body)));
    }
}

#[test]
fn the_classic_proofs_are_the_published_ones() {
    let leaves = oracle::CLASSIC.map(leaf_hash);
    let a = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    let b = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    let c = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    let d = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    let e = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    let f = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
    let g = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
    let first = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

    assert_eq!(hex(&prove_inclusion(0, &leaves)), [a, b, c]);
    assert_eq!(hex(&prove_inclusion(5, &leaves)), [d, e, f]);
    assert_eq!(hex(&prove_inclusion(1, &leaves[..5])), [first, b, d]);
    assert_eq!(hex(&prove_consistency(1, &leaves)), [a, b, c]);
    assert_eq!(hex(&prove_consistency(6, &leaves)), [g, e, f]);
    assert_eq!(hex(&prove_consistency(2, &leaves[..5])), [b, d]);
}

#[test]
fn every_proof_of_every_small_tree_holds_and_only_for_itself() {
    for size in 0..=24 {
        let leaves = oracle::leaves(size);
        for number in 0..size {
            inclusion_holds_and_only_for_itself(number, &leaves);
        }
        for old in 0..=size {
            consistency_holds_and_only_for_itself(old, &leaves);
        }
    }
}

#[test]
fn a_proof_does_not_hold_under_another_checkpoint() {
    let leaves = oracle::leaves(24);
    for (size, other) in (1..24_usize).flat_map(|a| (1..24).map(move |b| (a, b))) {
        if size == other {
            continue;
        }
        let (wide, root) = (u64::try_from(other).unwrap(), oracle::root(&leaves[..other]));
        for index in 0..u64::try_from(size).unwrap() {
            let proof = prove_inclusion(index, &leaves[..size]);
            let truth = index < wide && proof == oracle::path(at(index), &leaves[..other]);
            let found = verify_inclusion(leaves[at(index)], index, wide, root, &proof);
            assert_eq!(found.is_ok(), truth);
        }
    }
}

#[test]
fn beyond_the_log_there_is_no_proof() {
    let leaves = oracle::leaves(5);
    let mut read = reader(&leaves);
    assert_eq!(inclusion_proof(5, 5, &mut read), Err(ReadError::OutOfRange));
    assert_eq!(inclusion_proof(0, 0, &mut read), Err(ReadError::OutOfRange));
    assert_eq!(consistency_proof(6, 5, &mut read), Err(ReadError::OutOfRange));
}

#[test]
fn an_unreadable_or_short_tile_is_named_and_no_proof_made() {
    let id = TileId { level: 0, index: 0 };
    let proof = inclusion_proof(3, 5, &mut |_, _| Err("disk"));
    assert_eq!(proof, Err(ReadError::Store("disk")));
    let proof = inclusion_proof(3, 5, &mut |_, _| Ok::<_, Infallible>(oracle::leaves(4)));
    assert_eq!(proof, Err(ReadError::ShortTile(id)));
}

#[test]
fn sizes_at_the_end_of_the_numbers_do_not_overflow() {
    let proof = vec![EMPTY_ROOT; 64];
    let found = verify_inclusion(EMPTY_ROOT, u64::MAX - 1, u64::MAX, EMPTY_ROOT, &proof);
    assert!(found.is_err());
    let found = verify_consistency(u64::MAX - 1, EMPTY_ROOT, u64::MAX, EMPTY_ROOT, &proof);
    assert!(found.is_err());
    let mut read = |_, width| Ok::<_, Infallible>(vec![EMPTY_ROOT; width]);
    let proof = inclusion_proof(u64::MAX - 1, u64::MAX, &mut read).unwrap();
    assert_eq!(proof.len(), 63);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn larger_trees_prove_their_leaves(size in 25..1000u64, pick: prop::sample::Index) {
        let index = u64::try_from(pick.index(at(size))).unwrap();
        inclusion_holds_and_only_for_itself(index, &oracle::leaves(size));
    }

    #[test]
    fn larger_trees_prove_their_past(size in 25..1000u64, pick: prop::sample::Index) {
        let old = u64::try_from(pick.index(at(size) + 1)).unwrap();
        consistency_holds_and_only_for_itself(old, &oracle::leaves(size));
    }

    #[test]
    fn no_proof_makes_the_check_panic(
        (index, size) in any::<(u64, u64)>(),
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let proof: Vec<Hash> = hashes.into_iter().map(Hash::from).collect();
        prop_assert!(verify_inclusion(EMPTY_ROOT, index, size, EMPTY_ROOT, &proof).is_err());
        if index > 0 && index != size {
            prop_assert!(verify_consistency(index, EMPTY_ROOT, size, EMPTY_ROOT, &proof).is_err());
        }
    }
}
