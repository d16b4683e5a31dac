use crate::findings::Kind::{
    DamagedTile, Deleted, Edited, Inserted, Malformed, Moved, Swapped, Truncated, Unreadable,
};
use crate::testing::{Log, body, entry};
use wire::provision_log::Act;

/// Sizes around the borders of tiles, in batches of one, of some and of more than a tile.
const SHAPES: [(u64, u64); 9] =
    [(1, 1), (2, 2), (255, 20), (256, 256), (257, 1), (300, 7), (511, 100), (512, 64), (700, 300)];

#[test]
fn sound_logs_are_sound() {
    for (size, batch) in SHAPES {
        let mut log = Log::of(size, batch);
        log.cosign(&["131211", "072036"]);
        let report = log.verify();
        assert_eq!(crate::testing::places(&report), [], "{size} {batch}");
        assert_eq!((report.size, report.entries, report.destroyed), (size, size, 0));
        assert_eq!(report.root, log.tree.root());
        assert_eq!(report.checkpoints, size.div_ceil(batch));
        assert_eq!((report.cosignatures, report.witnessed_size), (2, size));
    }
    assert!(Log::empty().verify().sound);
}

#[test]
fn an_edited_body_is_named() {
    for (size, batch) in SHAPES {
        for index in [0, size / 2, size - 1] {
            let mut log = Log::of(size, batch);
            log.edit(index);
            assert_eq!(log.found(), [(Edited, index, index + 1)]);
            // Its leaf's hash was changed along with it.
            let hash = ledger::leaf_hash(&log.at(index).body.clone());
            log.leaves.insert(index, hash);
            let found = log.found();
            if size % 256 > index % 256 && index / 256 == size / 256 {
                // After the last full tile there is no third place to tell: batches do.
                let from = index / batch * batch;
                assert!(found.iter().any(|f| f.0 == Edited && f.1 <= index && index < f.2));
                assert_eq!(found, [(Edited, from, (from + batch).min(size))], "{size} {batch}");
            } else {
                assert_eq!(found, [(Edited, index, index + 1)]);
            }
        }
    }
}

#[test]
fn missing_bodies_are_named() {
    for (size, batch) in SHAPES {
        let mut log = Log::of(size, batch);
        log.delete(0..1);
        if size > 1 {
            assert_eq!(log.found(), [(Deleted, 0, 1)]);
        }
        log.leaves.remove(&0);
        if size > 1 {
            assert_eq!(log.found(), [(Deleted, 0, 1)]);
        }
        let mut log = Log::of(size, batch);
        log.delete(size / 2..size);
        assert_eq!(log.found(), [(Truncated, size / 2, size)]);
        log.leaves.retain(|index, _| *index < size / 2);
        assert_eq!(log.found(), [(Truncated, size / 2, size)], "{size} {batch}");
    }
}

#[test]
fn bodies_that_took_each_others_place_are_both_named() {
    for (a, b) in [(3, 4), (3, 599), (255, 256)] {
        let mut log = Log::of(600, 50);
        log.swap(a, b);
        let expected = match b - a {
            1 => vec![(Swapped, a, b + 1)],
            _ => vec![(Swapped, a, a + 1), (Swapped, b, b + 1)],
        };
        assert_eq!(log.found(), expected);
    }
}

#[test]
fn a_foreign_body_is_named_and_not_those_it_pushed_back() {
    for index in [0, 255, 256, 300, 599, 600] {
        let mut log = Log::of(600, 50);
        log.insert(index);
        assert_eq!(log.found(), [(Inserted, index, index + 1)]);
    }
    let mut log = Log::of(600, 50);
    log.take_out(300..302);
    assert_eq!(log.found(), [(Deleted, 300, 302)]);
    // A second body under the same index, as in another month's table.
    let mut log = Log::of(600, 50);
    log.add(100, body(log.now_unix_ms, Act::Outcome(entry(9_999))));
    assert_eq!(log.found(), [(Inserted, 100, 101)]);
}

#[test]
fn entries_beyond_the_newest_checkpoint_are_named() {
    for size in [0, 1, 255, 256, 600] {
        let mut log = Log::of(size, 50);
        log.append(Act::Outcome(entry(9_000)));
        log.append(Act::Outcome(entry(9_001)));
        assert_eq!(log.found(), [(Inserted, size, size + 2)]);
        let mut log = Log::of(size, 50);
        log.leaves.insert(size, ledger::leaf_hash(b"no body"));
        assert_eq!(log.found(), [(Inserted, size, size + 1)]);
    }
    let mut log = Log::of(600, 50);
    log.checkpoints.clear();
    assert_eq!(log.found(), [(Inserted, 0, 600)]);
}

#[test]
fn an_entry_listed_as_anothers_is_named() {
    let changes: [fn(&mut crate::Listed); 4] = [
        |listed| listed.segment += 1,
        |listed| listed.is_order = true,
        |listed| listed.inquirer = listed.provider.clone(),
        |listed| listed.provider = None,
    ];
    for change in changes {
        let mut log = Log::of(300, 50);
        change(log.at(123).listed.as_mut().unwrap());
        assert_eq!(log.found(), [(Moved, 123, 124)]);
    }
}

#[test]
fn entries_that_cannot_be_read_are_named_and_the_others_checked() {
    let mut log = Log::of(600, 50);
    log.unreadable = [7, 255, 256, 257, 599].into();
    log.edit(8);
    let expected =
        [(Unreadable, 7, 8), (Edited, 8, 9), (Unreadable, 255, 258), (Unreadable, 599, 600)];
    assert_eq!(log.found(), expected);
    assert_eq!(log.verify().entries, 594);
}

#[test]
fn a_leaf_hash_that_is_not_the_entrys_is_named() {
    let mut log = Log::of(600, 50);
    log.leaves.insert(100, ledger::leaf_hash(b"other"));
    log.leaves.insert(599, ledger::leaf_hash(b"other"));
    log.leaves.remove(&300);
    let expected = [(DamagedTile, 100, 101), (DamagedTile, 300, 301), (DamagedTile, 599, 600)];
    assert_eq!(log.found(), expected);
}

#[test]
fn authentic_bodies_that_break_the_format_are_named() {
    let text = |change: fn(String) -> String| {
        let bytes = body(crate::testing::BEGIN_UNIX_MS, Act::Outcome(entry(60_000)));
        change(String::from_utf8(bytes).unwrap())
    };
    let mut log = Log::of(300, 50);
    log.append_bytes(text(|t| t).into_bytes());
    log.seal();
    assert!(log.verify().sound);
    let bodies = [
        text(|t| t.replace("\"act\"", "\n\"act\"")),
        text(|t| t.replace("\"act\"", "\"note\":1,\"act\"")),
        text(|t| t.replace("provided", "nothing")),
        text(|t| without_commitment(&t).replace("provided", "refused")),
        text(|t| without_commitment(&t)),
        text(|t| {
            let reason = "\"nothing\",\"reason\":\"tooMany\"";
            without_commitment(&t).replace("\"provided\"", reason)
        }),
        text(|t| t.replace("00000002", "0000000x")),
        text(|t| t.replace("131211", "131212")),
        text(|t| t.replace("BwcH", "")),
        text(|t| t.replace("\":1775800000000,\"act", &format!("\":{},\"act", i64::MAX))),
        text(|t| t + &" ".repeat(65_536)),
        text(|t| t.replace("\"outcome\":{", "\"order\":{\"note\":\"a\"},\"outcome\":{")),
        text(|_| r#"{"loggedAtUnixMs":1775800000000,"act":{"order":{"note":"a"}}}"#.to_owned()),
        text(|_| "no json".to_owned()),
    ];
    for body in bodies {
        let mut log = Log::of(300, 50);
        let index = log.append_bytes(body.clone().into_bytes());
        log.seal();
        log.grow(10, 2);
        log.at(index).listed = None;
        let start: String = body.chars().take(400).collect();
        assert_eq!(log.found(), [(Malformed, index, index + 1)], "{start}");
    }
}

fn without_commitment(text: &str) -> String {
    let (before, rest) = text.split_once(",\"commitment\":\"").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}{after}")
}

#[test]
fn what_may_stand_there_once_is_named_the_second_time() {
    let mut again = entry(3);
    again.inquiry = domain::InquiryId::make_random();
    let mut settled = entry(6);
    settled.permit = uuid::Uuid::now_v7().to_string();
    for second in [again, settled] {
        let mut log = Log::of(300, 50);
        let index = log.append(Act::Outcome(second));
        log.seal();
        assert_eq!(log.found(), [(Malformed, index, index + 1)]);
    }
}

#[test]
fn several_faults_at_once_are_all_named() {
    let mut log = Log::of(1500, 50);
    log.at(1).listed.as_mut().unwrap().segment = 202_601;
    log.edit(2);
    log.swap(20, 900);
    log.delete(500..510);
    log.unreadable = [1200].into();
    log.delete(1400..1500);
    log.tiles.get_mut(&ledger::TileId { level: 0, index: 3 }).unwrap()[5] = ledger::EMPTY_ROOT;
    let expected = [
        (Moved, 1, 2),
        (Edited, 2, 3),
        (Swapped, 20, 21),
        (Deleted, 500, 510),
        (DamagedTile, 768, 1024),
        (Swapped, 900, 901),
        (Unreadable, 1200, 1201),
        (Truncated, 1400, 1500),
    ];
    assert_eq!(log.found(), expected);
}
