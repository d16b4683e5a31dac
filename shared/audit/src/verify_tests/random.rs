use proptest::prelude::*;
use wire::provision_log::Act;

use crate::findings::Kind;
use crate::testing::{Log, WITNESSES, entry, trust};
use crate::verify::{Evidence, Extent, verify};
use crate::{Export, Report, write_export};

/// One thing that somebody does to a stored log, and the entry it is about.
#[derive(Clone, Debug)]
enum Fault {
    Edit(u64),
    EditWithLeaf(u64),
    Rehash(u64),
    Delete(u64),
    Cut(u64),
    Swap(u64, u64),
    Insert(u64),
    TakeOut(u64),
    Add,
    Unread(u64),
    List(u64),
    Leaf(u64),
    Tile(u64, u64),
    Note(u64),
}

fn fault() -> impl Strategy<Value = Fault> {
    let at = any::<u64>;
    prop_oneof![
        at().prop_map(Fault::Edit),
        at().prop_map(Fault::EditWithLeaf),
        at().prop_map(Fault::Rehash),
        at().prop_map(Fault::Delete),
        at().prop_map(Fault::Cut),
        (at(), at()).prop_map(|(a, b)| Fault::Swap(a, b)),
        at().prop_map(Fault::Insert),
        at().prop_map(Fault::TakeOut),
        Just(Fault::Add),
        at().prop_map(Fault::Unread),
        at().prop_map(Fault::List),
        at().prop_map(Fault::Leaf),
        (at(), at()).prop_map(|(a, b)| Fault::Tile(a, b)),
        at().prop_map(Fault::Note),
    ]
}

/// One that leaves everything else where it is, and provable.
fn quiet_fault() -> impl Strategy<Value = Fault> {
    let at = any::<u64>;
    prop_oneof![
        at().prop_map(Fault::Edit),
        at().prop_map(Fault::Unread),
        at().prop_map(Fault::List),
        at().prop_map(Fault::Leaf),
        (at(), at()).prop_map(|(a, b)| Fault::Tile(a, b)),
    ]
}

/// Does it, and answers what must be found; `None` if there was nothing to do it to.
fn plant(log: &mut Log, fault: &Fault) -> Option<(Vec<Kind>, u64)> {
    let size = log.size();
    let place = |at: &u64| at % size;
    match fault {
        Fault::Edit(at) => {
            log.edit(place(at));
            Some((vec![Kind::Edited], place(at)))
        }
        Fault::EditWithLeaf(at) => {
            log.edit(place(at));
            let hash = ledger::leaf_hash(&log.at(place(at)).body.clone());
            log.leaves.insert(place(at), hash);
            Some((vec![Kind::Edited], place(at)))
        }
        Fault::Rehash(at) => {
            log.edit(place(at));
            log.hash_again();
            Some((vec![Kind::Edited], place(at)))
        }
        Fault::Delete(at) => {
            log.delete(place(at)..place(at) + 1);
            Some((vec![Kind::Deleted, Kind::Truncated], place(at)))
        }
        Fault::Cut(at) => {
            log.delete(place(at)..size);
            log.leaves.retain(|index, _| *index < place(at));
            Some((vec![Kind::Truncated], place(at)))
        }
        Fault::Swap(a, b) if place(a) != place(b) => {
            log.swap(place(a), place(b));
            Some((vec![Kind::Swapped], place(a)))
        }
        Fault::Swap(..) => None,
        Fault::Insert(at) => {
            log.insert(place(at));
            Some((vec![Kind::Inserted], place(at)))
        }
        Fault::TakeOut(at) => {
            log.take_out(place(at)..place(at) + 1);
            Some((vec![Kind::Deleted, Kind::Truncated], place(at)))
        }
        Fault::Add => {
            log.append(Act::Outcome(entry(9_000)));
            Some((vec![Kind::Inserted], size))
        }
        Fault::Unread(at) => {
            log.unreadable.insert(place(at));
            Some((vec![Kind::Unreadable], place(at)))
        }
        Fault::List(at) => {
            log.at(place(at)).listed.as_mut()?.segment += 1;
            Some((vec![Kind::Moved], place(at)))
        }
        Fault::Leaf(at) => {
            log.leaves.insert(place(at), ledger::leaf_hash(b"other"));
            Some((vec![Kind::DamagedTile], place(at)))
        }
        Fault::Tile(tile, at) => {
            let tile = usize::try_from(*tile).unwrap() % log.tiles.len().max(1);
            let (id, hashes) = log.tiles.iter_mut().nth(tile)?;
            hashes[usize::try_from(at % 256).unwrap()] = ledger::EMPTY_ROOT;
            Some((vec![Kind::DamagedTile], id.index * 256))
        }
        Fault::Note(at) => {
            let number = usize::try_from(*at).unwrap() % log.checkpoints.len();
            let stored = &mut log.checkpoints[number];
            stored.note = stored.note.replacen('\n', "x\n", 1);
            Some((vec![Kind::AlteredCheckpoint], stored.size))
        }
    }
}

fn names(report: &Report, kinds: &[Kind], at: u64) -> bool {
    report.findings.iter().any(|finding| {
        let range = finding.from_index..finding.to_index.max(finding.from_index + 1);
        kinds.contains(&finding.kind) && range.contains(&at)
    })
}

/// Batches of any width, some of them cosigned, now and then a checkpoint signed again.
fn history() -> impl Strategy<Value = Vec<(u64, bool, bool)>> {
    let width = prop_oneof![1..4u64, 1..40u64, 200..300u64];
    prop::collection::vec((width, any::<bool>(), any::<bool>()), 1..9)
}

fn log(history: &[(u64, bool, bool)]) -> Log {
    let mut log = Log::empty();
    for (count, is_cosigned, is_signed_again) in history {
        log.grow(*count, *count);
        if *is_cosigned {
            log.cosign(&WITNESSES);
        }
        if *is_signed_again {
            log.now_unix_ms += 1;
            log.seal();
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_is_done_to_a_log_is_named(history in history(), fault in fault()) {
        let mut log = log(&history);
        let Some((kinds, at)) = plant(&mut log, &fault) else { return Ok(()) };
        let report = log.verify();
        prop_assert!(!report.sound);
        prop_assert!(names(&report, &kinds, at), "{at}: {:?}", report.findings);
    }

    #[test]
    fn two_faults_far_from_each_other_are_both_named(
        history in history(),
        first in quiet_fault(),
        second in quiet_fault(),
    ) {
        let mut log = log(&history);
        let planted: Vec<_> =
            [first, second].iter().filter_map(|fault| plant(&mut log, fault)).collect();
        prop_assume!(planted.iter().zip(planted.iter().skip(1)).all(|(a, b)| a.1 != b.1));
        let report = log.verify();
        for (kinds, at) in planted {
            let all = [kinds, vec![Kind::Unreadable, Kind::Edited]].concat();
            prop_assert!(names(&report, &all, at), "{at}: {:?}", report.findings);
        }
    }

    #[test]
    fn what_nobody_touched_is_sound(history in history(), since in any::<u64>()) {
        let mut log = log(&history);
        let report = log.verify();
        prop_assert!(report.sound, "{:?}", report.findings);
        prop_assert_eq!(report.entries, log.size());
        let size = since % (log.size() + 1);
        let since = ledger::Checkpoint {
            origin: crate::testing::origin(),
            size,
            root: Log::of(size, 256).tree.root(),
        };
        let entries_match = {
            let mut earlier = Log::empty();
            for stored in log.bodies.iter().take(usize::try_from(size).unwrap()) {
                earlier.append_bytes(stored.body.clone());
            }
            ledger::Checkpoint { root: earlier.tree.root(), ..since }
        };
        let extent = Extent { since: Some(entries_match), thorough: false };
        let report = verify(&mut log, &trust(), Evidence::default(), &extent);
        prop_assert!(report.sound, "{:?}", report.findings);
    }
}

/// Faults one after the other may undo each other's ground; then the second is left out.
fn plant_safely(log: &mut Log, fault: &Fault) -> bool {
    let size = log.size();
    let there = |at: &u64| log.bodies.iter().any(|stored| stored.index == at % size);
    let is_there = match fault {
        Fault::Edit(at) | Fault::EditWithLeaf(at) | Fault::List(at) => there(at),
        Fault::Swap(a, b) => there(a) && there(b),
        Fault::Rehash(_) => false,
        _ => true,
    };
    is_there && plant(log, fault).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_number_of_faults_is_found_and_none_stalls_the_verifier(
        history in history(),
        faults in prop::collection::vec(fault(), 1..12),
    ) {
        let mut log = log(&history);
        let tampering = faults.iter().filter(|fault| !matches!(fault, Fault::TakeOut(_)));
        let mut planted = 0;
        for fault in tampering {
            if log.bodies.len() < 2 || log.bodies.windows(2).any(|p| p[0].index + 1 != p[1].index) {
                break;
            }
            planted += usize::from(plant_safely(&mut log, fault));
        }
        prop_assert_eq!(log.verify().sound, planted == 0);
    }

    #[test]
    fn a_byte_changed_anywhere_in_an_export_is_found(
        history in history(),
        file in any::<usize>(),
        at in any::<usize>(),
        bit in 0..8u32,
    ) {
        let mut log = log(&history);
        log.cosign(&WITNESSES);
        let folder = tempfile::tempdir().unwrap();
        write_export(&mut log, folder.path()).unwrap();
        let mut export = Export::open(folder.path()).unwrap();
        let before = verify(&mut export, &trust(), Evidence::default(), &Extent::default());
        prop_assert!(before.sound);
        let mut files = Vec::new();
        gather(folder.path(), &mut files);
        files.sort();
        let path = &files[file % files.len()];
        let mut bytes = std::fs::read(path).unwrap();
        let at = at % bytes.len();
        // When a checkpoint was issued is told to people and signed by nobody.
        let line = String::from_utf8_lossy(&bytes[at.saturating_sub(34)..at]).into_owned();
        prop_assume!(!line.contains("issuedAt"));
        bytes[at] ^= 1 << bit;
        std::fs::write(path, bytes).unwrap();
        let mut export = Export::open(folder.path()).unwrap();
        let report = verify(&mut export, &trust(), Evidence::default(), &Extent::default());
        // A line under another name is nobody's, and not missed where others are.
        let is_weaker = report.cosignatures < before.cosignatures;
        prop_assert!(!report.sound || is_weaker, "{} {at}", path.display());
    }
}

fn gather(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { gather(&path, files) } else { files.push(path) }
    }
}

/// No false alarm, however a log came to be: thousands of small ones, each verified.
#[test]
fn thousands_of_histories_are_sound() {
    let mut number = 1u64;
    let mut next = |below: u64| {
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (number >> 33) % below
    };
    for _ in 0..2_000 {
        let batches: Vec<_> =
            (0..next(5)).map(|_| (1 + next(9), next(3) == 0, next(4) == 0)).collect();
        let mut log = log(&batches);
        let report = log.verify();
        assert!(report.sound, "{batches:?}: {:?}", report.findings);
        assert_eq!((report.size, report.entries), (log.size(), log.size()));
    }
}
