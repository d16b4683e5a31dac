use ledger::{EMPTY_ROOT, Hash};

use crate::findings::Kind;
use crate::findings::Kind::{AlteredCheckpoint, Edited, Inserted, Rewritten, RolledBack};
use crate::testing::{Log, places, signer, trust};
use crate::verify::{Evidence, Extent, verify};

fn altered(size: u64) -> (Kind, u64, u64) {
    (AlteredCheckpoint, size, size)
}

#[test]
fn an_altered_checkpoint_is_named_by_its_size() {
    let changes: [fn(&mut Log); 7] = [
        |log| log.checkpoints[3].root = Some(EMPTY_ROOT),
        |log| log.checkpoints[3].note = log.checkpoints[2].note.clone(),
        |log| log.checkpoints[3].note = log.checkpoints[3].note.replace("200\n", "201\n"),
        |log| log.checkpoints[3].note = log.checkpoints[3].note.replace("log.", "lug."),
        |log| log.checkpoints[3].note = String::new(),
        |log| {
            let note = &mut log.checkpoints[3].note;
            *note = note.split_inclusive("\n\n").next().unwrap().to_owned();
        },
        |log| {
            // By a key that is not the log's.
            let checkpoint = ledger::Checkpoint::open(
                &log.checkpoints[3].note,
                &crate::testing::origin(),
                &trust().log,
            );
            log.checkpoints[3].note = checkpoint.unwrap().sign(&signer(9)).to_string();
        },
    ];
    for change in changes {
        let mut log = Log::of(600, 50);
        change(&mut log);
        assert_eq!(log.found(), [altered(200)]);
    }
}

#[test]
fn a_checkpoint_signed_with_the_key_but_not_for_these_entries_is_named() {
    for other in [150, 200] {
        let mut log = Log::of(600, 50);
        let mut rewritten = Log::of(200, 50);
        rewritten.edit(other - 60);
        let forged = rewritten.rewritten().checkpoints.pop().unwrap();
        log.checkpoints[3] = forged;
        assert_eq!(log.found(), [altered(200)]);
    }
    // Of a size at which no entries are needed to tell.
    let mut log = Log::of(600, 50);
    let mut empty = Log::empty();
    empty.seal();
    log.checkpoints.insert(0, empty.checkpoints[0].clone());
    assert!(log.verify().sound);
    log.checkpoints[0].note = empty.sign(Hash::from([7; 32])).to_string();
    log.checkpoints[0].root = None;
    assert_eq!(log.found(), [altered(0)]);
}

#[test]
fn behind_the_newest_checkpoint_that_holds_nothing_is_proven() {
    let mut log = Log::of(600, 50);
    let last = log.checkpoints.last_mut().unwrap();
    last.note = last.note.replace("600\n", "601\n");
    assert_eq!(log.found(), [(Inserted, 550, 600), altered(600)]);
    // What witnesses keep serves as well.
    log.cosign(&["131211"]);
    assert_eq!(log.found(), [altered(600)]);
}

#[test]
fn a_cosigned_checkpoint_with_a_line_that_does_not_hold_is_named() {
    let mut log = Log::of(300, 50);
    log.cosign(&["131211", "072036"]);
    log.grow(100, 50);
    let wrong = Log::of(299, 50).cosigned_note(&["472131"]);
    let line = wrong.lines().last().unwrap().to_owned();
    assert!(log.verify().sound);
    log.witnessed[0].note.push_str(&line);
    log.witnessed[0].note.push('\n');
    assert_eq!(log.found(), [altered(300)]);
    log.witnessed[0].note = "nothing".to_owned();
    assert_eq!(log.found(), [altered(300)]);
    let mut log = Log::of(300, 50);
    log.cosign(&["131211"]);
    log.witnessed[0].size = 250;
    assert_eq!(log.found(), [altered(250)]);
    // Signed by the log alone, for other entries.
    let mut log = Log::of(300, 50);
    let mut other = Log::of(250, 50);
    other.edit(3);
    let mut other = other.rewritten();
    other.cosign(&[]);
    log.witnessed = other.witnessed;
    assert_eq!(log.found(), [altered(250)]);
}

#[test]
fn a_key_may_follow_another() {
    let mut log = Log::of(100, 50);
    log.signers = vec![signer(1), signer(2)];
    log.grow(100, 50);
    log.signers = vec![signer(2)];
    log.grow(400, 50);
    log.cosign(&["131211"]);
    assert!(log.verify().sound);
    let mut trust = trust();
    trust.log.truncate(1);
    let extent = Extent::default();
    let report = verify(&mut log, &trust, Evidence::default(), &extent);
    assert_eq!(report.size, 200);
    assert!(places(&report).contains(&altered(250)));
    assert!(places(&report).contains(&(Inserted, 200, 600)));
}

#[test]
fn what_was_checked_before_is_gone_on_from() {
    for (size, batch) in [(600, 50), (700, 1), (1100, 256)] {
        let mut log = Log::of(size, batch);
        for since in [0, 1, 255, 256, 300, 512, 599] {
            let earlier = Log::of(since, 50);
            let checkpoint = ledger::Checkpoint {
                origin: crate::testing::origin(),
                size: since,
                root: earlier.tree.root(),
            };
            let extent = Extent { since: Some(checkpoint.clone()), thorough: false };
            let check = |log: &mut Log| verify(log, &trust(), Evidence::default(), &extent);
            let report = check(&mut log);
            assert!(report.sound, "{:?}", report.findings);
            assert_eq!(report.entries, size - since / 256 * 256);
            assert_eq!((report.size, report.root), (size, log.tree.root()));
            // What lies behind is checked, what lies before was.
            let mut damaged = Log::of(size, batch);
            damaged.edit(since);
            assert_eq!(places(&check(&mut damaged)), [(Edited, since, since + 1)]);
            if since > 256 {
                let mut damaged = Log::of(size, batch);
                damaged.edit(0);
                assert!(check(&mut damaged).sound);
            }
        }
    }
}

#[test]
fn what_others_saw_of_earlier_entries_is_held_against_a_log_gone_on_from() {
    let mut log = Log::of(1000, 50);
    let since = ledger::Checkpoint {
        origin: crate::testing::origin(),
        size: 900,
        root: Log::of(900, 50).tree.root(),
    };
    let extent = Extent { since: Some(since), thorough: false };
    for (edited, size) in [(20, 50), (20, 256), (300, 301), (511, 512)] {
        let mut other = Log::of(size, 50);
        let right = other.cosigned_note(&["131211"]);
        let right_receipt = other.receipt(edited);
        other.edit(edited);
        let mut other = other.rewritten();
        other.seal();
        let wrong = other.cosigned_note(&["131211"]);
        let wrong_receipt = other.receipt(edited);
        let mut report = |note: &str, receipt: &wire::provision_log::Receipt| {
            let evidence = Evidence {
                witnessed: vec![crate::Cosigned::open(note, &trust()).unwrap()],
                receipts: vec![crate::Proven::open(receipt, &trust()).unwrap()],
                reference: None,
            };
            places(&verify(&mut log, &trust(), evidence, &extent))
        };
        assert_eq!(report(&right, &right_receipt), []);
        let found = report(&wrong, &wrong_receipt);
        assert!(found.contains(&(Rewritten, 0, size)), "{found:?}");
        assert!(found.contains(&(Rewritten, edited, edited + 1)), "{found:?}");
    }
}

#[test]
fn a_log_that_does_not_continue_what_was_checked_before_is_found() {
    let mut other = Log::of(300, 50);
    other.edit(20);
    let root = other.rewritten().tree.root();
    let since = ledger::Checkpoint { origin: crate::testing::origin(), size: 300, root };
    let extent = Extent { since: Some(since), thorough: false };
    let mut log = Log::of(600, 50);
    let report = verify(&mut log, &trust(), Evidence::default(), &extent);
    assert_eq!(places(&report), [(Rewritten, 0, 300)]);
    let mut log = Log::of(200, 50);
    let report = verify(&mut log, &trust(), Evidence::default(), &extent);
    assert_eq!(places(&report), [(RolledBack, 200, 300)]);
    let mut log = Log::empty();
    let report = verify(&mut log, &trust(), Evidence::default(), &extent);
    assert_eq!(places(&report), [(RolledBack, 0, 300)]);
}
