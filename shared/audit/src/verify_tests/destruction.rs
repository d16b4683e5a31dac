use ledger::Hash;
use sha2::{Digest as _, Sha256};
use time::macros::date;
use uuid::Uuid;

use crate::findings::Kind::{
    AlteredCheckpoint, DamagedTile, Deleted, Edited, Inserted, Malformed, Truncated,
    UnlawfulDestruction,
};
use crate::order::{Destroy, Hold, IndexRange, LiftHold, OrderAct, Scope};
use crate::testing::{DAY_MS, Log, places, trust};
use crate::verify::{Evidence, Extent, verify};

/// From April 2026 into May 2033, the day after the last that must be kept, and some.
const SEVEN_YEARS_MS: i64 = 2_578 * DAY_MS;

/// April's outcomes, an order among them; the next month's behind them.
fn april(hold: Option<Scope>) -> Log {
    let mut log = Log::of(300, 20);
    match hold {
        Some(scope) => log.order(OrderAct::Hold(Hold { scope, reason: "lawsuit".into() }), &[0]),
        None => {
            let hold = Uuid::from_u128(1);
            log.order(OrderAct::LiftHold(LiftHold { hold }), &[0, 1])
        }
    };
    log.grow(300, 20);
    log.cosign(&["131211"]);
    log.now_unix_ms += 30 * DAY_MS;
    log.grow(200, 20);
    log.cosign(&["131211", "072036"]);
    log.now_unix_ms += SEVEN_YEARS_MS - 30 * DAY_MS;
    log.grow(50, 20);
    log
}

/// Index of the order in the midst of April, and April's end.
const ORDER: u64 = 300;
const END: u64 = 601;

fn slip(log: &Log, held: &[u64]) -> Destroy {
    let gone = (0..END).filter(|index| *index != ORDER && !held.contains(index));
    let mut digest = Sha256::new();
    let bodies = gone.map(|index| digest.update(log.leaves[&index].as_bytes())).count();
    Destroy {
        segment: 202_604.try_into().unwrap(),
        ranges: vec![(0, END)],
        held: held.to_vec(),
        bodies: u64::try_from(bodies).unwrap(),
        digest: Hash::from(<[u8; 32]>::from(digest.finalize())),
        kept_through: date!(2033 - 04 - 30),
        years: 7,
    }
}

fn prune(log: &mut Log, held: &[u64]) {
    let keep = |index: u64| index >= END || index == ORDER || held.contains(&index);
    log.bodies.retain(|stored| keep(stored.index));
}

#[test]
fn bodies_that_a_lawful_slip_destroyed_are_counted() {
    let mut log = april(None);
    let destroy = slip(&log, &[]);
    log.order(OrderAct::Destroy(destroy), &[0, 2]);
    // The slip is in the log before the first body goes.
    let report = log.verify();
    assert_eq!((places(&report), report.destroyed), (vec![], 0));
    log.delete(0..100);
    let report = log.verify();
    assert_eq!((places(&report), report.destroyed), (vec![], 100));
    prune(&mut log, &[]);
    log.grow(300, 20);
    let report = log.verify();
    assert_eq!((places(&report), report.destroyed), (vec![], 600));
    assert_eq!(report.entries, log.size() - 600);
    // What is left still cannot be changed.
    log.edit(700);
    assert_eq!(log.found(), [(Edited, 700, 701)]);
    log.delete(END..END + 1);
    assert_eq!(log.found(), [(Deleted, END, END + 1), (Edited, 700, 701)]);
    // Without the order that it passes over, nobody can say what the slip was about.
    log.delete(ORDER..ORDER + 1);
    let found = [(UnlawfulDestruction, 0, END), (Deleted, END, END + 1), (Edited, 700, 701)];
    assert_eq!(log.found(), found);
}

#[test]
fn a_slip_that_breaks_the_rules_excuses_nothing() {
    type Change = fn(&mut Destroy);
    let changes: [(Change, &[u8]); 9] = [
        (|_| {}, &[1]),
        (|_| {}, &[]),
        (|slip| slip.years = 6, &[0, 1]),
        (|slip| slip.kept_through = date!(2033 - 04 - 29), &[0, 1]),
        (|slip| slip.bodies += 1, &[0, 1]),
        (|slip| slip.digest = ledger::EMPTY_ROOT, &[0, 1]),
        (|slip| slip.held = vec![9], &[0, 1]),
        (|slip| slip.ranges = vec![(0, 10), (10, END)], &[0, 1]),
        (|slip| slip.segment = 202_606.try_into().unwrap(), &[0, 1]),
    ];
    for (number, (change, custodians)) in changes.into_iter().enumerate() {
        let mut log = april(None);
        let mut destroy = slip(&log, &[]);
        change(&mut destroy);
        log.order(OrderAct::Destroy(destroy), custodians);
        prune(&mut log, &[]);
        let found = log.found();
        let unlawful = [(UnlawfulDestruction, 0, ORDER), (UnlawfulDestruction, ORDER + 1, END)];
        match number {
            // No custodian at all: that is not even an order.
            1 => {
                let index = log.size() - 1;
                let deleted = [(Deleted, 0, ORDER), (Deleted, ORDER + 1, END)];
                assert_eq!(found, [deleted[0], deleted[1], (Malformed, index, index + 1)]);
            }
            6 => assert!(found.contains(&(UnlawfulDestruction, 0, 9)), "{found:?}"),
            _ => assert_eq!(found, unlawful, "{number}"),
        }
    }
}

#[test]
fn a_slip_before_its_day_excuses_nothing() {
    let mut log = april(None);
    log.now_unix_ms -= 30 * DAY_MS;
    let destroy = slip(&log, &[]);
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    prune(&mut log, &[]);
    let found = log.found();
    assert_eq!(found, [(UnlawfulDestruction, 0, ORDER), (UnlawfulDestruction, ORDER + 1, END)]);
}

#[test]
fn bodies_without_a_slip_were_deleted_whatever_their_age() {
    let mut log = april(None);
    prune(&mut log, &[]);
    assert_eq!(log.found(), [(Deleted, 0, ORDER), (Deleted, ORDER + 1, END)]);
}

#[test]
fn a_hold_keeps_what_it_covers() {
    let scopes =
        [Scope::Range(IndexRange { from_index: 20, to_index: 22 }), Scope::Entries(vec![21, 20])];
    for scope in scopes {
        let mut log = april(Some(scope.clone()));
        let destroy = slip(&log, &[]);
        log.order(OrderAct::Destroy(destroy), &[0, 1]);
        prune(&mut log, &[]);
        let found = log.found();
        assert_eq!(found, [(UnlawfulDestruction, 0, ORDER), (UnlawfulDestruction, ORDER + 1, END)]);
        // Named as held, they stay.
        let mut log = april(Some(scope));
        let destroy = slip(&log, &[20, 21]);
        log.order(OrderAct::Destroy(destroy), &[0, 1]);
        prune(&mut log, &[20, 21]);
        assert_eq!(log.found(), []);
        log.delete(21..22);
        assert_eq!(log.found(), [(Deleted, 21, 22)]);
    }
}

#[test]
fn a_hold_of_a_municipality_keeps_the_bodies_that_are_there() {
    let code = domain::MunicipalityCode::parse("131211").unwrap();
    let mut log = april(Some(Scope::Municipality(code)));
    let destroy = slip(&log, &[]);
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    log.delete(0..1);
    assert_eq!(log.found(), [(UnlawfulDestruction, 0, 1)]);
}

#[test]
fn witnesses_tell_that_entries_are_younger_than_a_slip_says() {
    let mut log = april(None);
    let destroy = slip(&log, &[]);
    let mut young = Log::of(100, 20);
    young.now_unix_ms += 40 * DAY_MS;
    let note = young.cosigned_note(&["131211"]);
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    prune(&mut log, &[]);
    assert!(log.verify().sound);
    let witnessed = vec![crate::Cosigned::open(&note, &trust()).unwrap()];
    let report = log.verify_with(Evidence { witnessed, ..Default::default() });
    let found = places(&report);
    assert_eq!(found, [(UnlawfulDestruction, 0, ORDER), (UnlawfulDestruction, ORDER + 1, END)]);
}

#[test]
fn leaves_of_destroyed_bodies_stay() {
    let mut log = april(None);
    let destroy = slip(&log, &[]);
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    prune(&mut log, &[]);
    log.leaves.remove(&100);
    assert_eq!(log.found(), [(DamagedTile, 100, 101)]);
    log.leaves.insert(100, ledger::EMPTY_ROOT);
    assert_eq!(log.found(), [(DamagedTile, 100, 101)]);
    log.tiles.get_mut(&ledger::TileId { level: 0, index: 0 }).unwrap()[7] = ledger::EMPTY_ROOT;
    assert_eq!(log.found(), [(DamagedTile, 0, 256), (DamagedTile, 100, 101)]);
}

#[test]
fn a_body_put_into_a_destroyed_ones_place_is_foreign() {
    let mut log = april(None);
    let destroy = slip(&log, &[]);
    let own = log.at(50).body.clone();
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    prune(&mut log, &[]);
    log.add(50, own);
    assert_eq!(log.found(), []);
    log.edit(50);
    assert_eq!(log.found(), [(Edited, 50, 51)]);
    let mut log = april(None);
    let destroy = slip(&log, &[]);
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    prune(&mut log, &[]);
    log.insert(700);
    assert_eq!(log.found(), [(Inserted, 700, 701)]);
}

#[test]
fn the_end_of_a_pruned_log_is_still_its_end() {
    let mut log = april(None);
    let destroy = slip(&log, &[]);
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    prune(&mut log, &[]);
    let size = log.size();
    // With the slip itself gone, nothing excuses anything.
    log.delete(size - 1..size);
    let found = log.found();
    let expected = [(Deleted, 0, ORDER), (Deleted, ORDER + 1, END), (Truncated, size - 1, size)];
    assert_eq!(found, expected);
    let last = log.checkpoints.len() - 1;
    log.checkpoints[last].note = log.checkpoints[0].note.clone();
    assert!(log.found().contains(&(AlteredCheckpoint, size, size)));
}

#[test]
fn who_knows_no_custodian_believes_no_slip() {
    let mut log = april(None);
    let destroy = slip(&log, &[]);
    log.order(OrderAct::Destroy(destroy), &[0, 1]);
    let mut trust = trust();
    trust.custodians.clear();
    let check =
        |log: &mut Log| places(&verify(log, &trust, Evidence::default(), &Extent::default()));
    assert_eq!(check(&mut log), []);
    prune(&mut log, &[]);
    assert_eq!(check(&mut log), [(Deleted, 0, ORDER), (Deleted, ORDER + 1, END)]);
}
