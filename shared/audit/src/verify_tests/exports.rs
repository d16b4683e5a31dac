use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::findings::Kind::{
    self, AlteredCheckpoint, DamagedTile, Deleted, Edited, Inserted, Rewritten, Swapped, Truncated,
    Unreadable,
};
use crate::testing::{Log, places, trust};
use crate::verify::{Evidence, Extent, verify};
use crate::write_export::{ExportError, write_export};
use crate::{Export, Report};

fn exported(log: &mut Log) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_export(log, folder.path()).unwrap();
    folder
}

fn report(folder: &Path) -> Report {
    let mut export = Export::open(folder).unwrap();
    verify(&mut export, &trust(), Evidence::default(), &Extent { since: None, thorough: true })
}

fn found(folder: &TempDir) -> Vec<(Kind, u64, u64)> {
    places(&report(folder.path()))
}

fn change(folder: &TempDir, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path: PathBuf = folder.path().join(path);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn an_export_says_what_the_log_says() {
    for (size, batch) in [(0, 1), (1, 1), (255, 9), (256, 9), (257, 9), (600, 1), (1024, 300)] {
        let mut log = Log::of(size, batch);
        if size > 0 {
            log.cosign(&["131211"]);
        }
        let folder = exported(&mut log);
        let report = report(folder.path());
        assert!(report.sound, "{:?}", report.findings);
        assert_eq!((report.size, report.root), (size, log.tree.root()));
        assert_eq!((report.entries, report.checkpoints), (size, size.div_ceil(batch)));
        // The newest one counts where it is kept and in its own file.
        assert_eq!(report.cosignatures, if size > 0 { 2 } else { 0 });
        let mut export = Export::open(folder.path()).unwrap();
        let again = tempfile::tempdir().unwrap();
        let exported = write_export(&mut export, again.path()).unwrap();
        assert_eq!((exported.size, exported.bodies), (size, size));
    }
}

#[test]
fn an_export_is_written_into_a_folder_of_its_own() {
    let mut log = Log::of(10, 5);
    let folder = exported(&mut log);
    assert!(matches!(write_export(&mut log, folder.path()), Err(ExportError::NotEmpty)));
    log.unreadable = [3].into();
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(write_export(&mut log, folder.path()), Err(ExportError::Unreadable(_))));
}

#[test]
fn an_export_shows_the_damage_of_the_log() {
    let mut log = Log::of(1500, 50);
    log.edit(2);
    log.swap(20, 900);
    log.delete(500..510);
    log.take_out(1000..1001);
    log.tiles.get_mut(&ledger::TileId { level: 0, index: 3 }).unwrap()[5] = ledger::EMPTY_ROOT;
    let expected = [
        (Edited, 2, 3),
        (Swapped, 20, 21),
        (Deleted, 500, 510),
        (DamagedTile, 768, 1024),
        (Swapped, 900, 901),
        (Deleted, 1000, 1001),
    ];
    assert_eq!(log.found(), expected);
    assert_eq!(found(&exported(&mut log)), expected);
    let mut log = Log::of(700, 50);
    log.insert(300);
    log.checkpoints[2].note = String::new();
    let expected = [(AlteredCheckpoint, 150, 150), (Inserted, 300, 301)];
    assert_eq!(found(&exported(&mut log)), expected);
}

#[test]
fn a_truncated_log_is_truncated_in_its_export() {
    for left in [200, 256, 300, 599] {
        let mut log = Log::of(600, 50);
        log.delete(left..600);
        assert_eq!(found(&exported(&mut log)), [(Truncated, left, 600)]);
        log.leaves.retain(|index, _| *index < left);
        assert_eq!(found(&exported(&mut log)), [(Truncated, left, 600)]);
    }
}

#[test]
fn a_body_changed_in_a_file_is_named() {
    for (file, index) in [("000", 0), ("001", 256), ("002.p/88", 512)] {
        let folder = exported(&mut Log::of(600, 50));
        change(&folder, &format!("tile/entries/{file}"), |bytes| bytes[20] ^= 1);
        assert_eq!(found(&folder), [(Edited, index, index + 1)]);
    }
}

#[test]
fn a_file_that_does_not_hold_all_its_bodies_is_named_with_those() {
    let folder = exported(&mut Log::of(600, 50));
    let one = fs::read(folder.path().join("tile/entries/000")).unwrap();
    let length = 2 + usize::from(u16::from_be_bytes([one[0], one[1]]));
    change(&folder, "tile/entries/001", |bytes| bytes.truncate(length + 10));
    let found_after = found(&folder);
    assert_eq!(found_after, [(Unreadable, 257, 512)]);
    fs::remove_file(folder.path().join("tile/entries/001")).unwrap();
    assert_eq!(found(&folder), [(Unreadable, 256, 512)]);
    fs::remove_dir_all(folder.path().join("tile/entries/002.p")).unwrap();
    assert_eq!(found(&folder), [(Truncated, 256, 600)]);
    fs::remove_dir_all(folder.path().join("tile/entries")).unwrap();
    assert_eq!(found(&folder), [(Truncated, 0, 600)]);
}

#[test]
fn a_body_put_into_a_file_is_named_whatever_follows() {
    for (file, index) in [("000", 0), ("001", 256), ("002.p/88", 512)] {
        let folder = exported(&mut Log::of(600, 50));
        change(&folder, &format!("tile/entries/{file}"), |bytes| {
            bytes.splice(0..0, [0, 3, b'a', b'b', b'c']);
        });
        assert_eq!(found(&folder), [(Inserted, index, index + 1)], "{file}");
    }
}

#[test]
fn a_file_far_beyond_the_end_does_not_stall_the_verifier() {
    let folder = exported(&mut Log::of(600, 50));
    let path = folder.path().join("tile/entries/x999/x999/x999/x999/999");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, [0, 1, b'a']).unwrap();
    let found = found(&folder);
    let end = 999_999_999_999_999 * 256 + 256;
    assert!(found.contains(&(Inserted, 600 + (1 << 20), end)), "{found:?}");
}

#[test]
fn a_tile_changed_in_a_file_is_named() {
    for (file, from, to) in
        [("0/000", 0, 256), ("0/001", 256, 512), ("0/002.p/88", 512, 600), ("1/000.p/2", 0, 600)]
    {
        let path = format!("tile/{file}");
        let folder = exported(&mut Log::of(600, 50));
        change(&folder, &path, |bytes| bytes[40] ^= 1);
        assert_eq!(found(&folder), [(DamagedTile, from, to)], "{file}");
        change(&folder, &path, |bytes| {
            bytes[40] ^= 1;
            bytes.push(0);
        });
        assert_eq!(found(&folder), [(DamagedTile, from, to)], "{file}");
        change(&folder, &path, |bytes| bytes.truncate(32));
        assert_eq!(found(&folder), [(DamagedTile, from, to)], "{file}");
        fs::remove_file(folder.path().join(&path)).unwrap();
        assert_eq!(found(&folder), [(DamagedTile, from, to)], "{file}");
    }
}

#[test]
fn tiles_and_bodies_damaged_together_are_told_apart() {
    let folder = exported(&mut Log::of(600, 50));
    change(&folder, "tile/entries/000", |bytes| bytes[20] ^= 1);
    change(&folder, "tile/0/000", |bytes| bytes[32 * 100] ^= 1);
    change(&folder, "tile/1/000.p/2", |bytes| bytes[0] ^= 1);
    // The hash of the tile above is wrong as well, but batches prove it.
    let expected = [(Edited, 0, 1), (DamagedTile, 0, 256), (DamagedTile, 0, 600)];
    let found_here = found(&folder);
    assert!(expected.iter().all(|one| found_here.contains(one)), "{found_here:?}");
    assert_eq!(found_here.len(), 3, "{found_here:?}");
    // A body and its own hash: only the batch is known.
    let folder = exported(&mut Log::of(600, 50));
    change(&folder, "tile/entries/000", |bytes| bytes[20] ^= 1);
    change(&folder, "tile/0/000", |bytes| bytes[5] ^= 1);
    let found_here = found(&folder);
    assert!(found_here.contains(&(Edited, 0, 1)), "{found_here:?}");
    assert!(found_here.contains(&(Edited, 0, 50)), "{found_here:?}");
}

#[test]
fn more_damage_than_the_newest_root_gets_past_is_told_apart_by_older_ones() {
    let size = 20 * 256;
    let mut log = Log::of(size, 50);
    let mut expected = vec![(DamagedTile, 0, size)];
    let damaged: Vec<u64> = (0..20).step_by(2).map(|chunk| chunk * 256).collect();
    for first in &damaged {
        log.edit(first + 9);
        expected.extend([(DamagedTile, *first, first + 256), (Edited, first + 9, first + 10)]);
    }
    let folder = exported(&mut log);
    for first in damaged {
        change(&folder, &format!("tile/0/{:03}", first / 256), |bytes| bytes[100] ^= 1);
    }
    change(&folder, "tile/1/000.p/20", |bytes| bytes.fill(0));
    expected.sort_by_key(|(kind, from, to)| (*from, *to, *kind));
    assert_eq!(found(&folder), expected);
}

#[test]
fn lines_of_checkpoints_that_were_tampered_with_are_named() {
    let lines = |folder: &TempDir, change_lines: fn(&mut Vec<String>)| {
        change(folder, "checkpoints.jsonl", |bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            change_lines(&mut lines);
            *bytes = (lines.join("\n") + "\n").into_bytes();
        });
    };
    let folder = exported(&mut Log::of(600, 50));
    lines(&folder, |lines| lines[3] = lines[3].replace("\"size\":200", "\"size\":201"));
    assert_eq!(found(&folder), [(AlteredCheckpoint, 201, 201)]);
    let folder = exported(&mut Log::of(600, 50));
    lines(&folder, |lines| lines.swap(3, 4));
    assert_eq!(found(&folder), [(AlteredCheckpoint, 200, 200)]);
    let folder = exported(&mut Log::of(600, 50));
    lines(&folder, |lines| lines[3] = "{".to_owned());
    assert_eq!(found(&folder), [(AlteredCheckpoint, 150, 150)]);
    let folder = exported(&mut Log::of(600, 50));
    change(&folder, "checkpoint", |bytes| bytes[30] ^= 1);
    assert_eq!(found(&folder), [(AlteredCheckpoint, 600, 600)]);
    // Without the lines the newest checkpoint is enough, and without that the lines are.
    let folder = exported(&mut Log::of(600, 50));
    fs::remove_file(folder.path().join("checkpoints.jsonl")).unwrap();
    assert_eq!(found(&folder), []);
    let folder = exported(&mut Log::of(600, 50));
    fs::remove_file(folder.path().join("checkpoint")).unwrap();
    assert_eq!(found(&folder), []);
    fs::remove_file(folder.path().join("checkpoints.jsonl")).unwrap();
    assert_eq!(found(&folder), [(Inserted, 0, 600)]);
}

#[test]
fn an_older_export_names_what_a_newer_one_changed() {
    let mut log = Log::of(600, 50);
    let older = exported(&mut log);
    log.edit(77);
    let newer = exported(&mut log.rewritten());
    let mut reference = Export::open(older.path()).unwrap();
    let mut export = Export::open(newer.path()).unwrap();
    let reference: Option<&mut dyn crate::Source> = Some(&mut reference);
    let evidence = Evidence { reference, ..Default::default() };
    let report = verify(&mut export, &trust(), evidence, &Extent::default());
    assert_eq!(places(&report), [(Rewritten, 77, 78)]);
}

#[test]
fn an_export_is_gone_on_from_without_reading_what_is_before() {
    let mut log = Log::of(1500, 7);
    let folder = exported(&mut log);
    for since in [0u64, 7, 255, 256, 700, 1400, 1499, 1500] {
        let root = Log::of(since, 50).tree.root();
        let since = ledger::Checkpoint { origin: crate::testing::origin(), size: since, root };
        let size = since.size;
        let extent = Extent { since: Some(since), thorough: false };
        let mut export = Export::open(folder.path()).unwrap();
        let report = verify(&mut export, &trust(), Evidence::default(), &extent);
        assert!(report.sound, "{:?}", report.findings);
        let sizes = (1..=214).map(|number| number * 7).chain([1500]);
        let expected = u64::try_from(sizes.filter(|one| *one >= size).count()).unwrap();
        assert_eq!(report.checkpoints, expected, "{size}");
        assert_eq!(report.entries, 1500 - size / 256 * 256);
    }
}
