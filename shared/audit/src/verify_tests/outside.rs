use crate::findings::Kind::{Inserted, Rewritten, RolledBack, SplitView};
use crate::receipt::Proven;
use crate::testing::{Log, WITNESSES, places, trust};
use crate::verify::Evidence;
use crate::witness::Cosigned;

fn seen(notes: &[String]) -> Evidence<'static> {
    let open = |note: &String| Cosigned::open(note, &trust()).unwrap();
    Evidence { witnessed: notes.iter().map(open).collect(), ..Default::default() }
}

/// A log with cosigned checkpoints at 100, 200, … and what its witnesses keep of them.
fn watched(size: u64) -> (Log, Vec<String>) {
    let (mut log, mut notes) = (Log::empty(), Vec::new());
    while log.size() < size {
        log.grow(50, 10);
        if log.size().is_multiple_of(100) {
            log.cosign(&WITNESSES);
            notes.push(log.cosigned_note(&["131211"]));
        }
    }
    (log, notes)
}

#[test]
fn what_witnesses_saw_agrees_with_a_sound_log() {
    let (mut log, notes) = watched(650);
    let report = log.verify_with(seen(&notes));
    assert_eq!(places(&report), []);
    assert_eq!((report.cosignatures, report.witnessed_size), (18 + 6, 600));
}

#[test]
fn an_older_state_is_found_by_who_saw_the_newer() {
    let (_, notes) = watched(600);
    for size in [0, 50, 250, 300, 550] {
        let (mut older, _) = watched(size);
        assert!(older.verify().sound);
        let report = older.verify_with(seen(&notes));
        assert_eq!(places(&report), [(RolledBack, size, 600)]);
        assert_eq!(report.witnessed_size, 600);
    }
}

#[test]
fn an_older_state_is_found_by_a_receipt_or_an_export_of_the_newer() {
    let (mut newer, _) = watched(600);
    let receipt = Proven::open(&newer.receipt(20), &trust()).unwrap();
    let (mut older, _) = watched(300);
    let report = older.verify_with(Evidence { receipts: vec![receipt], ..Default::default() });
    assert_eq!(places(&report), [(RolledBack, 300, 600)]);
    let reference: Option<&mut dyn crate::Source> = Some(&mut newer);
    let report = older.verify_with(Evidence { reference, ..Default::default() });
    assert_eq!(places(&report), [(RolledBack, 300, 600)]);
}

#[test]
fn a_consistent_rewrite_with_the_logs_key_is_found_by_its_witnesses() {
    for index in [0, 99, 100, 350, 599] {
        let (mut log, notes) = watched(600);
        let mut reference = log.rewritten();
        let receipt = log.receipt(index);
        log.edit(index);
        let mut log = log.rewritten();
        log.witnessed.clear();
        assert!(log.verify().sound, "nobody can know without witnesses");
        let (from, to) = (index / 100 * 100, index / 100 * 100 + 100);
        let report = log.verify_with(seen(&notes));
        assert_eq!(places(&report), [(Rewritten, from, to)]);

        let receipts = vec![Proven::open(&receipt, &trust()).unwrap()];
        let report = log.verify_with(Evidence { receipts: receipts.clone(), ..seen(&notes) });
        let mut expected = vec![(Rewritten, from, to), (Rewritten, index, index + 1)];
        expected.sort_by_key(|(_, from, to)| (*from, *to));
        assert_eq!(places(&report), expected);
        let report = log.verify_with(Evidence { receipts, ..Default::default() });
        assert!(places(&report).contains(&(Rewritten, index, index + 1)));

        let reference: Option<&mut dyn crate::Source> = Some(&mut reference);
        let report = log.verify_with(Evidence { reference, ..seen(&notes) });
        assert_eq!(places(&report), [(Rewritten, index, index + 1)]);
    }
}

#[test]
fn a_rewrite_is_also_found_by_what_the_log_itself_keeps() {
    let (mut log, _) = watched(600);
    log.edit(350);
    let mut log = log.rewritten();
    assert_eq!(log.found(), [(Rewritten, 300, 400)]);
}

#[test]
fn an_entry_taken_out_by_a_rewrite_is_named_with_all_that_moved() {
    let (mut log, notes) = watched(600);
    let mut reference = log.rewritten();
    log.take_out(350..351);
    let mut log = log.rewritten();
    log.witnessed.clear();
    let reference: Option<&mut dyn crate::Source> = Some(&mut reference);
    let report = log.verify_with(Evidence { reference, ..seen(&notes) });
    let expected = [(Rewritten, 350, 590), (Inserted, 590, 599), (RolledBack, 590, 600)];
    assert_eq!(places(&report), expected);
}

#[test]
fn two_faces_of_a_log_are_found() {
    let (mut log, notes) = watched(600);
    let mut other = Log::empty();
    other.grow(340, 10);
    other.append(wire::provision_log::Act::Outcome(crate::testing::entry(9_000)));
    other.seal();
    other.grow(59, 10);
    let same_size = other.cosigned_note(&["472131"]);
    let mut both = notes.clone();
    both.push(same_size.clone());
    let report = log.verify_with(seen(&both));
    assert!(places(&report).contains(&(SplitView, 400, 400)));
    assert!(places(&report).contains(&(Rewritten, 300, 400)));
    // Of no common size: the one at 450 cannot go on to the one at 500.
    other.grow(50, 10);
    let report = log.verify_with(seen(&[notes[4].clone(), other.cosigned_note(&["472131"])]));
    assert_eq!(places(&report), [(Rewritten, 400, 450), (SplitView, 450, 500)]);
    // Both longer than the log.
    let (mut short, _) = watched(200);
    let report = short.verify_with(seen(&[notes[3].clone(), same_size]));
    assert_eq!(places(&report), [(RolledBack, 200, 400), (SplitView, 400, 400)]);
}

#[test]
fn an_outside_note_or_receipt_that_does_not_hold_is_no_evidence() {
    let (mut log, notes) = watched(300);
    let unknown = Log::of(100, 10).cosigned_note(&[]).replace("\u{2014} log", "\u{2014} lug");
    assert!(Cosigned::open(&unknown, &trust()).is_err());
    assert!(Cosigned::open(&notes[0].replace("100\n", "101\n"), &trust()).is_err());
    assert!(Cosigned::open("", &trust()).is_err());
    let mut elsewhere = trust();
    elsewhere.origin = ledger::Origin::parse("elsewhere.example").unwrap();
    assert!(Cosigned::open(&notes[0], &elsewhere).is_err());
    let receipt = log.receipt(20);
    assert!(Proven::open(&receipt, &trust()).is_ok());
    let mut wrong = receipt.clone();
    wrong.index = 21;
    assert!(Proven::open(&wrong, &trust()).is_err());
    wrong = receipt.clone();
    wrong.entry.push(' ');
    assert!(Proven::open(&wrong, &trust()).is_err());
    wrong = receipt.clone();
    wrong.proof[0].0.pop();
    assert!(Proven::open(&wrong, &trust()).is_err());
    wrong = receipt;
    wrong.checkpoint = notes[0].clone();
    assert!(Proven::open(&wrong, &trust()).is_err());
}
