//! Holds and slips, judged over a small log in memory.

use std::convert::Infallible;

use domain::retention::segment_of;
use ledger::{KeyName, leaf_hash};
use sha2::{Digest, Sha256};
use time::{
    OffsetDateTime,
    macros::{date, datetime},
};

use super::*;
use crate::order::{IndexRange, LiftHold, Order};

pub(crate) const MONTH: OffsetDateTime = datetime!(2026-11-10 12:00 +9);
pub(crate) const PRUNED: OffsetDateTime = datetime!(2033-12-01 00:00 +9);

/// A log whose entries 0 to 9 are of one month, with an order at 4, and later ones of the next.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) entries: Vec<EntryFacts>,
    /// When witnesses saw which size.
    pub(crate) cosigned: Vec<(i64, u64)>,
}

impl Facts for Log {
    type Error = Infallible;

    fn entries(
        &mut self,
        range: Range<u64>,
        tell: &mut dyn FnMut(EntryFacts),
    ) -> Result<(), Infallible> {
        for index in range {
            tell(self.entries[usize::try_from(index).unwrap()]);
        }
        Ok(())
    }

    fn smallest_cosigned_since(&mut self, unix_s: i64) -> Result<Option<u64>, Infallible> {
        let since = self.cosigned.iter().filter(|(at, _)| *at >= unix_s);
        Ok(since.map(|(_, size)| *size).min())
    }
}

pub(crate) fn code(text: &str) -> MunicipalityCode {
    MunicipalityCode::parse(text).unwrap()
}

pub(crate) fn november() -> Segment {
    segment_of(unix_ms(MONTH)).unwrap()
}

pub(crate) fn unix_ms(at: OffsetDateTime) -> i64 {
    at.unix_timestamp() * 1_000
}

/// Entry 7 is of two municipalities that have no other.
pub(crate) fn log() -> Log {
    let entry = |index: u64| {
        let segment = if index < 10 { MONTH } else { datetime!(2026-12-01 00:00 +9) };
        let (inquirer, provider) =
            if index == 7 { ("072036", "472131") } else { ("131211", "092037") };
        EntryFacts {
            leaf: leaf_hash(&index.to_be_bytes()),
            body: Some(BodyFacts {
                segment: segment_of(unix_ms(segment)).unwrap(),
                inquirer: code(inquirer),
                provider: code(provider),
            }),
        }
    };
    let seen = (datetime!(2026-12-02 00:00 +9).unix_timestamp(), 11);
    Log { entries: (0..20).map(entry).collect(), cosigned: vec![seen] }
}

pub(crate) fn orders() -> Orders {
    let mut orders = Orders::new(RetentionRules::shipped());
    orders.pass_over(4);
    orders
}

/// Signed by so many custodians.
pub(crate) fn signed(id: u128, by: usize, order: OrderAct) -> OpenedOrder {
    let names = ["custodian/a", "custodian/b", "custodian/c"];
    let signed_by = names.iter().take(by).map(|name| KeyName::parse(name).unwrap()).collect();
    let id = Uuid::from_u128(id);
    OpenedOrder { order: Order { id, issued_at_unix_ms: 0, order }, signed_by }
}

pub(crate) fn hold(id: u128, scope: Scope) -> OpenedOrder {
    signed(id, 1, OrderAct::Hold(Hold { scope, reason: "lawsuit".to_owned() }))
}

fn lift(id: u128, hold: u128) -> OpenedOrder {
    signed(id, 2, OrderAct::LiftHold(LiftHold { hold: Uuid::from_u128(hold) }))
}

fn range(from_index: u64, to_index: u64) -> Scope {
    Scope::Range(IndexRange { from_index, to_index })
}

/// The slip for these ranges without these entries, its digest by another road than the judge's.
fn slip(ranges: &[(u64, u64)], held: &[u64]) -> Destroy {
    let indices = ranges.iter().flat_map(|(from, to)| *from..*to);
    let gone: Vec<u64> = indices.filter(|i| !held.contains(i) && *i != 4).collect();
    let leaves: Vec<u8> =
        gone.iter().flat_map(|index| *leaf_hash(&index.to_be_bytes()).as_bytes()).collect();
    Destroy {
        segment: november(),
        ranges: ranges.to_vec(),
        held: held.to_vec(),
        bodies: u64::try_from(gone.len()).unwrap(),
        digest: Hash::from(<[u8; 32]>::from(Sha256::digest(leaves))),
        kept_through: date!(2033 - 11 - 30),
        years: 7,
    }
}

fn accept(orders: &mut Orders, index: u64, opened: &OpenedOrder) -> Verdict {
    orders.accept(index, unix_ms(PRUNED), opened, &mut log()).unwrap()
}

/// The verdict on a slip at index 15 after these orders.
fn verdict_after(before: &[(u64, OpenedOrder)], destroy: Destroy) -> Verdict {
    let mut orders = orders();
    for (index, opened) in before {
        assert_eq!(accept(&mut orders, *index, opened), Ok(()));
    }
    accept(&mut orders, 15, &signed(99, 2, OrderAct::Destroy(destroy)))
}

#[test]
fn a_lawful_slip_destroys_its_ranges_without_orders_and_held_entries() {
    let mut orders = orders();
    assert_eq!(accept(&mut orders, 12, &hold(1, Scope::Entries(vec![8, 2]))), Ok(()));
    let destroy = signed(2, 2, OrderAct::Destroy(slip(&[(0, 10)], &[2, 8])));
    assert_eq!(accept(&mut orders, 15, &destroy), Ok(()));
    let gone = Fate::Destroyed { slip: 15 };
    let fates = [
        (0..2, gone),
        (2..3, Fate::Kept),
        (3..4, gone),
        (4..5, Fate::Kept),
        (5..8, gone),
        (8..9, Fate::Kept),
        (9..10, gone),
        (10..20, Fate::Kept),
    ];
    assert_eq!(orders.fates(0..20), fates);
    assert_eq!(orders.fates(5..7), [(5..7, gone)]);
    assert_eq!(orders.slips()[0].destroyed().collect::<Vec<_>>(), [0..2, 3..4, 5..8, 9..10]);
}

#[test]
fn every_rule_for_a_slip_is_judged() {
    let good = || slip(&[(0, 10)], &[]);
    assert_eq!(verdict_after(&[], good()), Ok(()));
    let cases = [
        (Destroy { ranges: vec![], ..good() }, Unlawful::Ranges),
        (slip(&[(5, 10), (0, 3)], &[]), Unlawful::Ranges),
        (slip(&[(0, 5), (5, 10)], &[]), Unlawful::Ranges),
        (slip(&[(3, 3)], &[]), Unlawful::Ranges),
        (Destroy { ranges: vec![(9, 3)], ..good() }, Unlawful::Ranges),
        (Destroy { ranges: vec![(0, 16)], ..good() }, Unlawful::Ranges),
        (Destroy { ranges: vec![(0, u64::MAX)], ..good() }, Unlawful::Ranges),
        (Destroy { held: vec![10], ..good() }, Unlawful::Held),
        (Destroy { held: vec![3, 3], ..good() }, Unlawful::Held),
        (Destroy { held: vec![u64::MAX], ..good() }, Unlawful::Held),
        (
            Destroy { years: 6, kept_through: date!(2032 - 11 - 30), ..good() },
            Unlawful::YearsTooFew { needed: 7 },
        ),
        (Destroy { years: 8, kept_through: date!(2034 - 11 - 30), ..good() }, Unlawful::TooEarly),
        (Destroy { years: u32::MAX, ..good() }, Unlawful::NoRule),
        (
            Destroy { kept_through: date!(2033 - 11 - 29), ..good() },
            Unlawful::WrongLastDay { right: date!(2033 - 11 - 30) },
        ),
        (Destroy { bodies: 10, ..good() }, Unlawful::WrongCount { counted: 9 }),
        (Destroy { digest: leaf_hash(b""), ..good() }, Unlawful::WrongDigest),
        (slip(&[(0, 11)], &[]), Unlawful::OtherSegment { index: 10 }),
        (slip(&[(0, 12)], &[]), Unlawful::Younger { size: 11 }),
    ];
    for (destroy, unlawful) in cases {
        assert_eq!(verdict_after(&[], destroy.clone()), Err(unlawful), "{destroy:?}");
    }
}

#[test]
fn a_slip_is_early_through_the_last_day_in_japan() {
    let at = |logged_at: OffsetDateTime| {
        let destroy = signed(1, 2, OrderAct::Destroy(slip(&[(0, 10)], &[])));
        orders().accept(15, unix_ms(logged_at), &destroy, &mut log()).unwrap()
    };
    assert_eq!(at(datetime!(2033-11-30 23:59:59 +9)), Err(Unlawful::TooEarly));
    assert_eq!(at(PRUNED), Ok(()));
    let far = signed(1, 2, OrderAct::Destroy(slip(&[(0, 10)], &[])));
    let verdict = orders().accept(15, i64::MAX, &far, &mut log());
    assert_eq!(verdict, Ok(Err(Unlawful::TooEarly)), "a day that no calendar has");
}

#[test]
fn what_is_held_must_be_named() {
    for (scope, index) in [
        (range(5, 30), 5),
        (Scope::Entries(vec![100, 9]), 9),
        (Scope::Municipality(code("472131")), 7),
        (Scope::Municipality(code("072036")), 7),
    ] {
        let before = [(12, hold(1, scope.clone()))];
        let verdict = verdict_after(&before, slip(&[(0, 10)], &[]));
        assert_eq!(verdict, Err(Unlawful::UnderHold { index }), "{scope:?}");
        let held: Vec<u64> = if index == 5 { (5..10).collect() } else { vec![index] };
        assert_eq!(verdict_after(&before, slip(&[(0, 10)], &held)), Ok(()), "{scope:?}");
    }
    // An order needs no protection, and what lies elsewhere none from this slip.
    for scope in [range(4, 5), range(10, 90), range(9, 2), Scope::Municipality(code("131237"))] {
        let before = [(12, hold(1, scope.clone()))];
        assert_eq!(verdict_after(&before, slip(&[(0, 10)], &[])), Ok(()), "{scope:?}");
    }
}

#[test]
fn a_hold_counts_until_two_lift_it_and_then_a_later_slip_may_take_the_rest() {
    let mut orders = orders();
    let of_seven = |orders: &Orders| orders.is_held(7, code("072036"), code("472131"));
    assert_eq!(accept(&mut orders, 11, &hold(1, range(7, 8))), Ok(()));
    assert_eq!(accept(&mut orders, 12, &hold(2, Scope::Municipality(code("072036")))), Ok(()));
    assert!(of_seven(&orders) && !orders.is_held(6, code("131211"), code("092037")));
    assert!(orders.is_held(1_000_000, code("131211"), code("072036")), "logged later");
    let destroy = signed(3, 2, OrderAct::Destroy(slip(&[(0, 10)], &[7])));
    assert_eq!(accept(&mut orders, 13, &destroy), Ok(()));

    let one_alone = signed(4, 1, OrderAct::LiftHold(LiftHold { hold: Uuid::from_u128(1) }));
    let too_few = Unlawful::TooFewSignatures { needed: 2, found: 1 };
    assert_eq!(accept(&mut orders, 14, &one_alone), Err(too_few));
    assert_eq!(accept(&mut orders, 15, &lift(5, 1)), Ok(()));
    assert!(of_seven(&orders), "the other hold is in force");
    let rest = signed(6, 2, OrderAct::Destroy(slip(&[(7, 8)], &[])));
    assert_eq!(accept(&mut orders, 16, &rest), Err(Unlawful::UnderHold { index: 7 }));
    assert_eq!(accept(&mut orders, 17, &lift(7, 1)), Err(Unlawful::NoSuchHold));
    assert_eq!(accept(&mut orders, 18, &lift(8, 2)), Ok(()));
    assert!(!of_seven(&orders) && orders.holds().next().is_none());

    let reason = Unlawful::UnderHold { index: 7 };
    assert_eq!(orders.fates(7..8), [(7..8, Fate::Unlawful { slip: 16, reason })]);
    assert_eq!(accept(&mut orders, 19, &rest), Ok(()), "its id did not count before");
    assert_eq!(orders.fates(7..8), [(7..8, Fate::Destroyed { slip: 19 })]);
    let again = signed(9, 2, OrderAct::Destroy(slip(&[(6, 9)], &[])));
    assert_eq!(accept(&mut orders, 20, &again), Err(Unlawful::DestroyedBefore { index: 6 }));
}

#[test]
fn an_order_counts_once_and_only_with_its_signatures() {
    let mut orders = orders();
    assert_eq!(accept(&mut orders, 11, &hold(1, range(0, 10))), Ok(()));
    assert_eq!(accept(&mut orders, 12, &lift(2, 1)), Ok(()));
    assert_eq!(accept(&mut orders, 13, &hold(1, range(0, 10))), Err(Unlawful::Repeated));
    assert!(orders.holds().next().is_none(), "an old hold does not come back");
    let unsigned = signed(3, 0, OrderAct::Hold(Hold { scope: range(0, 9), reason: String::new() }));
    let too_few = Unlawful::TooFewSignatures { needed: 1, found: 0 };
    assert_eq!(accept(&mut orders, 14, &unsigned), Err(too_few));
    let one = signed(4, 1, OrderAct::Destroy(slip(&[(0, 10)], &[])));
    let too_few = Unlawful::TooFewSignatures { needed: 2, found: 1 };
    assert_eq!(accept(&mut orders, 15, &one), Err(too_few));
    let fate = Fate::Unlawful { slip: 15, reason: too_few };
    assert_eq!(orders.fates(0..4), [(0..4, fate)]);
    assert!((11..=15).all(|index| orders.is_order(index)), "none of them may be destroyed");
}

#[test]
fn orders_recalled_at_a_start_count_as_before() {
    let destroy = signed(3, 2, OrderAct::Destroy(slip(&[(0, 10)], &[7])));
    let log_order =
        [(11, hold(1, range(7, 8))), (12, hold(2, range(0, 1))), (13, lift(4, 2)), (14, destroy)];
    let (mut judged, mut recalled) = (orders(), orders());
    for (index, opened) in &log_order {
        assert_eq!(accept(&mut judged, *index, opened), Ok(()));
        recalled.recall(*index, opened);
    }
    assert_eq!(format!("{judged:?}"), format!("{recalled:?}"));
}

#[test]
fn a_body_that_is_gone_is_judged_by_what_remains() {
    let mut log = log();
    log.entries.iter_mut().take(10).for_each(|entry| entry.body = None);
    let mut orders = orders();
    let hold = hold(1, Scope::Municipality(code("072036")));
    assert_eq!(accept(&mut orders, 12, &hold), Ok(()));
    let destroy = |by: &[(u64, u64)]| signed(2, 2, OrderAct::Destroy(slip(by, &[])));
    let verdict = |destroy: &OpenedOrder, log: &mut Log| {
        orders.clone().accept(15, unix_ms(PRUNED), destroy, log).unwrap()
    };
    assert_eq!(verdict(&destroy(&[(0, 10)]), &mut log), Ok(()));
    log.entries[3].leaf = leaf_hash(b"another");
    assert_eq!(verdict(&destroy(&[(0, 10)]), &mut log), Err(Unlawful::WrongDigest));
}

#[test]
fn witnesses_tell_entries_that_are_younger_than_a_slip_says() {
    let destroy = signed(1, 2, OrderAct::Destroy(slip(&[(0, 10)], &[])));
    let with = |at: OffsetDateTime, size| {
        let log = &mut Log { cosigned: vec![(at.unix_timestamp(), size)], ..log() };
        orders().accept(15, unix_ms(PRUNED), &destroy, log).unwrap()
    };
    let a_day_later = datetime!(2026-12-02 00:00 +9);
    assert_eq!(with(a_day_later, 9), Err(Unlawful::Younger { size: 9 }));
    assert_eq!(with(a_day_later, 10), Ok(()));
    assert_eq!(with(a_day_later - time::Duration::SECOND, 9), Ok(()), "a late witness");
}

#[test]
fn a_longer_rule_that_came_later_keeps_everything() {
    let rules = "class,years,valid_from,valid_until\n\
                 provision,7,2015-10-05,2030-12-31\n\
                 provision,10,2031-01-01,2031-01-31\n\
                 provision,7,2031-02-01,\n";
    let mut orders = Orders::new(RetentionRules::parse(rules).unwrap());
    orders.pass_over(4);
    let destroy = signed(1, 2, OrderAct::Destroy(slip(&[(0, 10)], &[])));
    let verdict = orders.clone().accept(15, unix_ms(PRUNED), &destroy, &mut log()).unwrap();
    assert_eq!(verdict, Err(Unlawful::YearsTooFew { needed: 10 }));
    let longer =
        Destroy { years: 10, kept_through: date!(2036 - 11 - 30), ..slip(&[(0, 10)], &[]) };
    let longer = signed(1, 2, OrderAct::Destroy(longer));
    let at = |at| orders.clone().accept(15, unix_ms(at), &longer, &mut log()).unwrap();
    assert_eq!(at(datetime!(2036-11-30 23:59 +9)), Err(Unlawful::TooEarly));
    assert_eq!(at(datetime!(2036-12-01 00:00 +9)), Ok(()));
}

#[test]
fn eight_years_alone_destroy_nothing() {
    let mut orders = orders();
    let in_eight_years = MONTH.replace_year(2034).unwrap();
    assert!(orders.draft(november(), in_eight_years.date()).is_ok(), "the period is over");
    let hold = hold(1, range(100, 200));
    assert_eq!(orders.accept(15, unix_ms(in_eight_years), &hold, &mut log()), Ok(Ok(())));
    assert_eq!(orders.fates(0..20), [(0..20, Fate::Kept)]);
    assert!(orders.slips().is_empty());
}

#[test]
fn ten_million_entries_cost_no_memory() {
    let mut orders = orders();
    let hold = hold(1, range(0, 10_000_000));
    assert_eq!(accept(&mut orders, 10_000_001, &hold), Ok(()));
    let destroy = Destroy { ranges: vec![(0, 10_000_000)], ..slip(&[(0, 10)], &[]) };
    let destroy = signed(2, 2, OrderAct::Destroy(destroy));
    orders.recall(10_000_002, &destroy);
    assert_eq!(orders.slips()[0].destroyed().collect::<Vec<_>>(), [0..4, 5..10_000_000]);
}
