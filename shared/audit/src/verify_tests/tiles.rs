use ledger::{EMPTY_ROOT, TileId, leaf_hash};

use crate::findings::Kind::{DamagedTile, Edited, Truncated};
use crate::testing::{Log, places};

fn tile(level: u8, index: u64) -> TileId {
    TileId { level, index }
}

#[test]
fn a_tile_that_is_not_what_the_leaves_make_is_named() {
    for place in [0, 100, 255] {
        let mut log = Log::of(600, 50);
        log.tiles.get_mut(&tile(0, 1)).unwrap()[place] = EMPTY_ROOT;
        assert_eq!(log.found(), [(DamagedTile, 256, 512)]);
    }
    let mut log = Log::of(600, 50);
    log.tiles.remove(&tile(0, 0));
    log.tiles.get_mut(&tile(0, 1)).unwrap().pop();
    assert_eq!(log.found(), [(DamagedTile, 0, 512)]);
    log.tiles.get_mut(&tile(0, 1)).unwrap().clear();
    assert_eq!(log.found(), [(DamagedTile, 0, 512)]);
}

#[test]
fn a_tile_above_the_leaves_is_named_and_does_not_hide_an_edit() {
    let size = 65_536 + 300;
    let mut log = Log::of(size, 999);
    assert!(log.verify().sound);
    log.edit(300);
    log.tiles.get_mut(&tile(1, 0)).unwrap()[7] = EMPTY_ROOT;
    let damaged = [(DamagedTile, 0, 65_536), (Edited, 300, 301)];
    assert_eq!(log.found(), damaged);
    // The very hash over the edited body.
    log.tiles.get_mut(&tile(1, 0)).unwrap()[1] = EMPTY_ROOT;
    assert_eq!(log.found(), damaged);
    log.tiles.get_mut(&tile(0, 2)).unwrap()[9] = EMPTY_ROOT;
    assert_eq!(log.found(), [damaged[0], damaged[1], (DamagedTile, 512, 768)]);
    log.tiles.remove(&tile(1, 0));
    assert_eq!(log.found(), [damaged[0], damaged[1], (DamagedTile, 512, 768)]);
}

#[test]
fn a_body_edited_with_its_leaf_and_tile_is_named_as_far_as_checkpoints_tell() {
    for (size, batch) in [(600, 1), (600, 7), (600, 300), (200, 3)] {
        for index in [0, 150, size - 1] {
            let mut log = Log::of(size, batch);
            log.edit(index);
            let hash = leaf_hash(&log.at(index).body.clone());
            log.leaves.insert(index, hash);
            let place = usize::try_from(index % 256).unwrap();
            if let Some(hashes) = log.tiles.get_mut(&tile(0, index / 256)) {
                hashes[place] = hash;
            }
            let (from, to) = (index / batch * batch, (index / batch * batch + batch).min(size));
            assert_eq!(log.found(), [(Edited, from, to)], "{size} {batch} {index}");
            // All tiles above as well.
            log.hash_again();
            assert_eq!(log.found(), [(Edited, from, to)], "{size} {batch} {index}");
        }
    }
}

#[test]
fn behind_an_unproven_edit_bodies_are_still_compared_with_what_is_stored() {
    let mut log = Log::of(600, 5);
    log.edit(100);
    log.hash_again();
    log.edit(400);
    assert_eq!(log.found(), [(Edited, 100, 105), (Edited, 400, 401)]);
}

#[test]
fn a_log_cut_off_with_all_its_hashes_is_checked_as_far_as_it_goes() {
    let mut log = Log::of(600, 20);
    log.delete(530..600);
    log.leaves.retain(|index, _| *index < 530);
    log.edit(521);
    log.edit(3);
    let found = [(Edited, 3, 4), (Edited, 521, 522), (Truncated, 530, 600)];
    assert_eq!(log.found(), found);
    log.tiles.clear();
    let report = log.verify();
    let found = places(&report);
    for wanted in [(Edited, 3, 4), (Edited, 521, 522), (Truncated, 530, 600)] {
        assert!(found.contains(&wanted), "{found:?}");
    }
}

#[test]
fn a_receipt_tells_which_leaf_was_signed_where_nothing_else_does() {
    let mut log = Log::of(600, 300);
    let receipt = log.receipt(150);
    let proven = crate::Proven::open(&receipt, &crate::testing::trust()).unwrap();
    log.edit(150);
    let hash = leaf_hash(&log.at(150).body.clone());
    log.leaves.insert(150, hash);
    log.tiles.get_mut(&tile(0, 0)).unwrap()[150] = hash;
    assert_eq!(log.found(), [(Edited, 0, 300)]);
    let evidence = crate::Evidence { receipts: vec![proven], ..Default::default() };
    assert_eq!(places(&log.verify_with(evidence)), [(DamagedTile, 0, 256), (Edited, 150, 151)]);
}
