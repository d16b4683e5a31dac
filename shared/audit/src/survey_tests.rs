use time::macros::date;
use wire::provision_log::SignedOrder;

use super::*;
use crate::findings::Kind;
use crate::order::{Hold, IndexRange, LiftHold, OrderAct, Scope};
use crate::receipt::Proven;
use crate::stored::{Stored, StoredError, newest_checkpoint};
use crate::testing::{BEGIN_UNIX_MS, DAY_MS, Log, places, trust};

/// 300 entries of April 2026, then 40 of June.
fn two_months() -> Log {
    let mut log = Log::of(300, 7);
    log.now_unix_ms = BEGIN_UNIX_MS + 61 * DAY_MS;
    log.grow(40, 7);
    log
}

fn april() -> Segment {
    Segment::try_from(202_604).unwrap()
}

fn survey(log: &mut Log) -> Survey {
    Survey::of(log, &trust()).unwrap()
}

#[test]
fn months_are_counted_with_what_may_become_of_them() {
    let mut log = two_months();
    let hold = Hold { scope: Scope::Entries(vec![3]), reason: "a lawsuit".to_owned() };
    log.order(OrderAct::Hold(hold), &[0]);
    let survey = survey(&mut log);
    let lines = survey.lines(date!(2033 - 05 - 01));
    let [april, june, hold] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(april, "202604       300 bodies: may be destroyed");
    assert_eq!(june, "202606        40 bodies: the segment is kept through 2033-06-30");
    assert!(hold.starts_with("hold ") && hold.ends_with("at index 340: a lawsuit"), "{hold}");
    assert!(survey.lines(date!(2033 - 04 - 30))[0].contains("kept through 2033-04-30"));
}

#[test]
fn a_drafted_slip_is_lawful_once_it_is_signed_and_its_month_really_gone() {
    let mut log = two_months();
    log.now_unix_ms = BEGIN_UNIX_MS + 8 * 366 * DAY_MS;
    let range = IndexRange { from_index: 10, to_index: 20 };
    let hold = Hold { scope: Scope::Range(range), reason: "a lawsuit".to_owned() };
    let hold_at = log.order(OrderAct::Hold(hold), &[0]);
    let today = date!(2034 - 05 - 01);
    let slips = survey(&mut log).draft(&mut log, april(), today).unwrap();
    let [slip] = slips.as_slice() else { panic!("one slip") };
    assert_eq!((slip.bodies, slip.held.len()), (290, 10));
    log.order(OrderAct::Destroy(slip.clone()), &[0, 1]);
    log.delete(0..10);
    log.delete(20..300);
    let report = log.verify();
    assert!(report.sound, "{report}");
    assert_eq!(report.destroyed, 290);

    // What was held goes by a slip of its own once the hold is lifted.
    let after = survey(&mut log);
    assert_eq!(after.months[&april()].bodies, 10);
    assert!(after.draft(&mut log, april(), today).unwrap().is_empty());
    let id = after.orders.holds().next().unwrap().0;
    assert!(hold_at < log.order(OrderAct::LiftHold(LiftHold { hold: id }), &[0, 1]));
    let slips = survey(&mut log).draft(&mut log, april(), today).unwrap();
    assert_eq!((slips.len(), slips[0].bodies), (1, 10));
    log.order(OrderAct::Destroy(slips[0].clone()), &[1, 2]);
    log.delete(10..20);
    assert!(log.verify().sound);
    log.delete(300..301);
    assert_eq!(places(&log.verify()), [(Kind::Deleted, 300, 301)]);
}

#[test]
fn nothing_is_drafted_too_early_or_from_a_clock_that_ran_away() {
    let mut log = two_months();
    let survey = survey(&mut log);
    let early = survey.draft(&mut log, april(), date!(2033 - 04 - 30));
    let kept_through = date!(2033 - 04 - 30);
    assert_eq!(early, Err(SurveyError::NotDrafted(NotDrafted::TooEarly { kept_through })));
    let newest = survey.newest_unix_ms.unwrap();
    assert_eq!(survey.today(newest), Ok(date!(2026 - 06 - 10)));
    assert_eq!(survey.today(newest + 31 * DAY_MS), Ok(date!(2026 - 07 - 11)));
    for days in [32, 8 * 366] {
        let today = survey.today(newest + days * DAY_MS);
        assert!(matches!(today, Err(SurveyError::ClockAhead { .. })), "{days} days");
    }
}

#[test]
fn an_order_of_nobody_counts_for_nothing_and_a_foreign_body_stops_the_walk() {
    let mut log = two_months();
    log.append(Act::Order(SignedOrder { note: "nobody".to_owned() }));
    log.seal();
    let seen = survey(&mut log);
    assert!(seen.orders.is_order(340) && seen.orders.holds().next().is_none());
    log.append_bytes(b"{}".to_vec());
    assert_eq!(Survey::of(&mut log, &trust()).err(), Some(SurveyError::Malformed { index: 341 }));
}

#[test]
fn every_entry_is_proven_under_the_newest_checkpoint_and_under_older_ones() {
    let mut log = two_months();
    let stored = Stored::open(&mut log, &trust()).unwrap();
    assert_eq!(stored.checkpoint.size, 340);
    for index in [0, 1, 255, 256, 299, 339] {
        let receipt = stored.receipt(&mut log, index, None).unwrap();
        let proven = Proven::open(&receipt, &trust()).unwrap();
        assert_eq!((proven.index, proven.size), (index, 340));
    }
    let receipt = stored.receipt(&mut log, 250, Some(252)).unwrap();
    assert_eq!(Proven::open(&receipt, &trust()).unwrap().size, 252);
    for (index, size, error) in [
        (252, Some(252), StoredError::OutOfRange),
        (340, None, StoredError::OutOfRange),
        (1, Some(253), StoredError::NoSuchSize),
        (1, Some(341), StoredError::NoSuchSize),
    ] {
        assert_eq!(stored.receipt(&mut log, index, size).err(), Some(error), "{index} {size:?}");
    }
    log.delete(5..6);
    assert_eq!(stored.receipt(&mut log, 5, None).err(), Some(StoredError::NoBody));
}

#[test]
fn the_newest_checkpoint_is_found_in_a_log_that_lost_some() {
    let mut log = two_months();
    for size in [340, 321, 7] {
        log.checkpoints.retain(|stored| stored.size <= size);
        assert_eq!(newest_checkpoint(&mut log).unwrap().unwrap().size, size);
    }
    log.checkpoints.clear();
    assert_eq!(newest_checkpoint(&mut log), Ok(None));
    assert_eq!(Stored::open(&mut log, &trust()).err(), Some(StoredError::Empty));
}

#[test]
fn a_damaged_log_proves_nothing() {
    let mut log = two_months();
    log.leaves.insert(339, log.leaves[&338]);
    assert_eq!(Stored::open(&mut log, &trust()).err(), Some(StoredError::Damaged));
    let mut log = two_months();
    let others = crate::verify::Trust { log: Vec::new(), ..trust() };
    assert_eq!(Stored::open(&mut log, &others).err(), Some(StoredError::Unsigned));
}
