//! A draft that two custodians sign is a lawful slip, and never more than that.

use domain::retention::RetentionRules;
use ledger::leaf_hash;
use proptest::prelude::*;
use time::macros::date;

use super::*;
use crate::{
    order::{Hold, IndexRange, OrderAct, Scope},
    orders::{
        BodyFacts, EntryFacts, Fate,
        tests::{Log, PRUNED, code, hold, log, november, orders, signed, unix_ms},
    },
};

fn body(log: &Log, index: u64) -> (Hash, BodyFacts) {
    let entry = log.entries[usize::try_from(index).unwrap()];
    (entry.leaf, entry.body.unwrap())
}

/// Drafts from these entries of the log.
fn draft(orders: &Orders, log: &Log, indices: impl IntoIterator<Item = u64>) -> Vec<Destroy> {
    let mut draft = orders.draft(november(), PRUNED.date()).unwrap();
    for index in indices {
        let (leaf, body) = body(log, index);
        draft.add(index, leaf, body.inquirer, body.provider).unwrap();
    }
    draft.finish()
}

#[test]
fn a_draft_names_ranges_and_what_is_held_in_them() {
    let mut orders = orders();
    orders.recall(12, &hold(1, Scope::Municipality(code("072036"))));
    orders.recall(13, &hold(2, Scope::Entries(vec![0])));
    let drafted = draft(&orders, &log(), 0..10);
    let [slip] = drafted.as_slice() else { panic!("one slip") };
    assert_eq!(slip.ranges, [(0, 10)], "the order at 4 is spanned");
    assert_eq!((slip.held.as_slice(), slip.bodies), (&[0, 7][..], 7));
    assert_eq!((slip.years, slip.kept_through), (7, date!(2033 - 11 - 30)));
    // As a store that does not list orders gives them, with a gap where bodies are gone.
    let drafted = draft(&orders, &log(), [1, 2, 3, 5, 8, 9]);
    assert_eq!(drafted[0].ranges, [(1, 6), (8, 10)]);
}

#[test]
fn nothing_is_drafted_before_its_time_or_in_disorder() {
    let kept_through = date!(2033 - 11 - 30);
    let early = orders().draft(november(), kept_through).map(Draft::finish);
    assert_eq!(early, Err(NotDrafted::TooEarly { kept_through }));
    let lawless = Orders::new(RetentionRules::parse("class,years,valid_from\n").unwrap());
    let drafted = lawless.draft(november(), PRUNED.date()).map(Draft::finish);
    assert_eq!(drafted, Err(NotDrafted::NoRule));
    let orders = orders();
    let mut draft = orders.draft(november(), PRUNED.date()).unwrap();
    let (a, b) = (code("131211"), code("092037"));
    assert_eq!(draft.add(3, leaf_hash(b""), a, b), Ok(()));
    for index in [3, 2, u64::MAX] {
        assert_eq!(draft.add(index, leaf_hash(b""), a, b), Err(NotDrafted::Disorder));
    }
    let none = super::tests::draft(&orders, &log(), []);
    assert_eq!(none, []);
}

#[test]
fn what_is_held_altogether_needs_no_slip() {
    let mut orders = orders();
    orders.recall(12, &hold(1, Scope::Range(IndexRange { from_index: 0, to_index: 10 })));
    assert_eq!(draft(&orders, &log(), 0..10), []);
}

/// A log of one month in which every second entry is one municipality's.
fn large_log(size: u64) -> Log {
    let entry = |index: u64| {
        let inquirer = if index.is_multiple_of(2) { "072036" } else { "131211" };
        let (inquirer, provider) = (code(inquirer), code("092037"));
        let body = Some(BodyFacts { segment: november(), inquirer, provider });
        EntryFacts { leaf: leaf_hash(&index.to_be_bytes()), body }
    };
    Log { entries: (0..size).map(entry).collect(), cosigned: Vec::new() }
}

#[test]
fn many_held_entries_take_several_slips_and_each_fits_into_an_entry() {
    let mut log = large_log(9_001);
    let mut orders = Orders::new(RetentionRules::shipped());
    orders.recall(9_001, &hold(1, Scope::Municipality(code("072036"))));
    let first = draft(&orders, &log, 0..9_001);
    assert!(first.len() > 1);
    let mut next = 9_002;
    let mut accept_all = |orders: &mut Orders, slips: Vec<Destroy>| {
        for slip in slips {
            let order = signed(u128::from(next), 2, OrderAct::Destroy(slip));
            assert!(serde_json::to_string(&order.order).unwrap().len() < 60_000);
            let verdict = orders.accept(next, unix_ms(PRUNED), &order, &mut log);
            assert_eq!(verdict, Ok(Ok(())));
            next += 1;
        }
    };
    accept_all(&mut orders, first);
    let lift = crate::LiftHold { hold: uuid::Uuid::from_u128(1) };
    orders.recall(9_900, &signed(9_900, 2, OrderAct::LiftHold(lift)));
    let left = (0..9_001).filter(|index| index % 2 == 0);
    let rest = draft(&orders, &large_log(9_001), left);
    assert!(rest.len() > 1 && rest.iter().all(|slip| slip.held.is_empty()));
    accept_all(&mut orders, rest);
    assert!(orders.fates(0..9_001).iter().all(|(_, fate)| *fate != Fate::Kept));
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![
        (0..12u64, 0..25u64)
            .prop_map(|(from_index, to_index)| Scope::Range(IndexRange { from_index, to_index })),
        prop::collection::vec(0..25u64, 0..5).prop_map(Scope::Entries),
        prop::sample::select(vec!["072036", "131211", "131237"])
            .prop_map(|of| Scope::Municipality(code(of))),
    ]
}

proptest! {
    /// Whatever is held: the signed draft is lawful, destroys what nothing holds and nothing else,
    /// and a slip that leaves one held entry unnamed is not lawful.
    #[test]
    fn a_signed_draft_is_lawful_and_spares_what_is_held(
        scopes in prop::collection::vec(scopes(), 0..4),
        gone_before in prop::collection::btree_set(0..10u64, 0..10),
    ) {
        let mut orders = orders();
        for (at, scope) in (10..).zip(&scopes) {
            orders.recall(at, &signed(at.into(), 1, OrderAct::Hold(Hold {
                scope: scope.clone(),
                reason: String::new(),
            })));
        }
        let covered = |index: u64, body: BodyFacts| scopes.iter().any(|scope| match scope {
            Scope::Range(range) => range.from_index <= index && index < range.to_index,
            Scope::Entries(entries) => entries.contains(&index),
            Scope::Municipality(of) => [body.inquirer, body.provider].contains(of),
        });
        let present: Vec<u64> =
            (0..10).filter(|index| *index != 4 && !gone_before.contains(index)).collect();
        let (held, free): (Vec<u64>, Vec<u64>) =
            present.iter().partition(|index| covered(**index, body(&log(), **index).1));

        let slips = draft(&orders, &log(), present);
        prop_assert_eq!(slips.len(), usize::from(!free.is_empty()));
        for slip in slips {
            prop_assert_eq!(&slip.held, &held);
            for unnamed in &held {
                let mut careless = slip.clone();
                careless.held.retain(|index| index != unnamed);
                careless.bodies += 1;
                let order = signed(50, 2, OrderAct::Destroy(careless));
                let verdict = orders.clone().accept(17, unix_ms(PRUNED), &order, &mut log());
                prop_assert_eq!(verdict, Ok(Err(crate::Unlawful::UnderHold { index: *unnamed })));
            }
            let order = signed(50, 2, OrderAct::Destroy(slip));
            prop_assert_eq!(orders.accept(17, unix_ms(PRUNED), &order, &mut log()), Ok(Ok(())));
        }
        for index in 0..20 {
            let fate = orders.fates(index..index + 1)[0].1;
            prop_assert_eq!(fate == Fate::Destroyed { slip: 17 }, free.contains(&index), "{}", index);
        }
    }
}
