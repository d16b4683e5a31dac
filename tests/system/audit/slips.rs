//! Bodies that are gone: lawfully, or by a slip that breaks the rules.
//!
//! The service takes in no unlawful slip; here somebody with the online key writes it down himself.

use audit::Kind::{self, *};
use audit::{Destroy, LiftHold, OrderAct, Survey};
use domain::retention::{Segment, japanese_day, segment_last_kept_day};
use ledger::Hash;
use serde_json::json;
use tempfile::TempDir;
use time::macros::datetime;

use super::copies::{Copy, found, joined};
use super::master::{Master, PAST, on_both, witness_file};
use super::orders::{self, Custodian};
use super::{forger, oracle, rows};
use crate::support::clock;

/// The entries of the first month, and the two of them that the order holds.
const MONTH: (u64, u64) = (0, 150);
const HELD: [u64; 2] = [5, 6];

/// Today, as the log counts time.
fn now_unix_ms() -> i64 {
    i64::try_from(clock().now().unix_timestamp_nanos() / 1_000_000).unwrap()
}

impl Master {
    /// The slip that the custodians are asked to sign.
    fn draft(&self, copy: &Copy) -> Destroy {
        let mut source = copy.source();
        let survey = Survey::of(&mut source, &self.trust).unwrap();
        let today = japanese_day(now_unix_ms()).unwrap();
        let segment = Segment::try_from(201_810).unwrap();
        let slips = survey.draft(&mut source, segment, today).unwrap();
        let [slip] = <[Destroy; 1]>::try_from(slips).unwrap();
        assert_eq!((slip.ranges.as_slice(), slip.held.as_slice()), (&[MONTH][..], &HELD[..]));
        slip
    }

    fn write(&self, copy: &Copy, order: OrderAct, by: &[&Custodian], at_unix_ms: i64) -> u64 {
        let note = orders::signed_by(&self.trust.origin, order, by);
        let body = json!({ "loggedAtUnixMs": at_unix_ms, "act": { "order": { "note": note } } });
        forger::append(&mut copy.attack(), &self.trust.origin, &self.signer, &body.to_string())
    }

    /// Both verifiers say the same; what they say.
    fn judge(&self, copy: &Copy, notes: &[String], name: &str) -> (super::copies::Found, u64) {
        let report = self.verify_with(copy, notes);
        let folder = TempDir::new().unwrap();
        let export = copy.export(&folder);
        let (theirs, they_found) =
            oracle::verify(&export, &self.trust, &[witness_file(&folder, notes)]);
        assert_eq!(found(&report), they_found, "{name}: the two verifiers");
        assert_eq!(theirs["destroyed"], report.destroyed, "{name}");
        (they_found, report.destroyed)
    }
}

fn unheld() -> Vec<(u64, u64)> {
    vec![(0, HELD[0]), (HELD[1] + 1, MONTH.1)]
}

fn delete(copy: &Copy, ranges: &[(u64, u64)]) {
    let tx = &mut copy.attack();
    ranges.iter().for_each(|(from, to)| rows::delete(tx, *from, *to));
}

fn digest(copy: &Copy, ranges: &[(u64, u64)]) -> Hash {
    let leaves = forger::stored_leaves(&mut copy.attack());
    let mut hashes = Vec::new();
    for (from, to) in ranges {
        for index in *from..*to {
            hashes.extend_from_slice(leaves[usize::try_from(index).unwrap()].as_bytes());
        }
    }
    Hash::from(crypto::sha256(&hashes))
}

#[test]
fn what_a_lawful_slip_destroyed_is_not_missed() {
    on_both(|master| {
        let copy = master.copy();
        let slip = master.draft(&copy);
        assert_eq!(slip.digest, digest(&copy, &unheld()));
        let both: Vec<&Custodian> = master.custodians.iter().collect();
        master.write(&copy, OrderAct::Destroy(slip.clone()), &both, now_unix_ms());
        // Ordered, not yet carried out.
        assert_eq!(master.judge(&copy, &[], "ordered"), (joined([]), 0));
        delete(&copy, &unheld());
        assert_eq!(master.judge(&copy, &[], "destroyed"), (joined([]), slip.bodies));
        // What the slip leaves must stay.
        delete(&copy, &[(HELD[0], HELD[0] + 1)]);
        let expected = joined([(Deleted, HELD[0], HELD[0] + 1)]);
        assert_eq!(master.judge(&copy, &[], "held").0, expected);
    });
}

struct Breach {
    name: &'static str,
    /// How many custodians sign.
    signers: usize,
    spoil: fn(&mut Destroy, &Copy),
    gone: fn() -> Vec<(u64, u64)>,
}

const BREACHES: [Breach; 8] = [
    Breach { name: "one custodian", signers: 1, spoil: |_, _| (), gone: unheld },
    Breach {
        name: "held entries destroyed as well",
        signers: 2,
        spoil: |slip, copy| {
            slip.held.clear();
            slip.bodies = MONTH.1;
            slip.digest = digest(copy, &[MONTH]);
        },
        gone: || vec![MONTH],
    },
    Breach {
        name: "too few years",
        signers: 2,
        spoil: |slip, _| {
            slip.years = 6;
            slip.kept_through = segment_last_kept_day(slip.segment, 6).unwrap();
        },
        gone: unheld,
    },
    Breach {
        name: "a last kept day that is not right",
        signers: 2,
        spoil: |slip, _| slip.kept_through = slip.kept_through.previous_day().unwrap(),
        gone: unheld,
    },
    Breach { name: "another count", signers: 2, spoil: |slip, _| slip.bodies += 1, gone: unheld },
    Breach {
        name: "another digest",
        signers: 2,
        spoil: |slip, copy| slip.digest = digest(copy, &[(0, 1)]),
        gone: unheld,
    },
    Breach {
        name: "ranges that touch each other",
        signers: 2,
        spoil: |slip, _| slip.ranges = vec![(0, 10), (10, MONTH.1)],
        gone: unheld,
    },
    Breach {
        name: "a month whose time has not come",
        signers: 2,
        spoil: |slip, copy| {
            let (from, to) = (MONTH.1 + 20, MONTH.1 + 30);
            slip.segment = Segment::try_from(202_402).unwrap();
            slip.kept_through = segment_last_kept_day(slip.segment, slip.years).unwrap();
            (slip.ranges, slip.held, slip.bodies) = (vec![(from, to)], Vec::new(), to - from);
            slip.digest = digest(copy, &[(from, to)]);
        },
        gone: || vec![(MONTH.1 + 20, MONTH.1 + 30)],
    },
];

#[test]
fn an_unlawful_slip_excuses_nothing() {
    on_both(|master| {
        for breach in BREACHES {
            let copy = master.copy();
            let mut slip = master.draft(&copy);
            (breach.spoil)(&mut slip, &copy);
            let by: Vec<&Custodian> = master.custodians.iter().take(breach.signers).collect();
            master.write(&copy, OrderAct::Destroy(slip), &by, now_unix_ms());
            // Nothing is gone yet, so there is nothing to complain of.
            assert!(master.verify(&copy).sound, "{}", breach.name);
            delete(&copy, &(breach.gone)());
            let gone = (breach.gone)();
            let expected: Vec<(Kind, u64, u64)> =
                gone.iter().map(|(from, to)| (UnlawfulDestruction, *from, *to)).collect();
            assert_eq!(
                master.judge(&copy, &[], breach.name),
                (joined(expected), 0),
                "{}",
                breach.name
            );
        }
    });
}

#[test]
fn one_person_under_two_names_is_one_person() {
    on_both(|master| {
        let copy = master.copy();
        let slip = master.draft(&copy);
        let once = &master.custodians[0];
        master.write(&copy, OrderAct::Destroy(slip), &[once], now_unix_ms());
        delete(&copy, &unheld());
        let mut trust = master.trust.clone();
        trust.custodians.truncate(1);
        let expected = unheld().into_iter().map(|(from, to)| (UnlawfulDestruction, from, to));
        let report = copy.verify(&trust, audit::Evidence::default());
        assert_eq!(found(&report), joined(expected));
    });
}

#[test]
fn a_slip_may_not_come_too_early_nor_name_younger_entries() {
    on_both(|master| {
        let both: Vec<&Custodian> = master.custodians.iter().collect();
        // On the last kept day, 2025-10-31 in Japan, and on the first day after it.
        for (at, is_lawful) in
            [(datetime!(2025-10-31 14:59:59 UTC), false), (datetime!(2025-10-31 15:00 UTC), true)]
        {
            let copy = master.copy();
            let slip = master.draft(&copy);
            let order = OrderAct::Destroy(slip);
            master.write(&copy, order, &both, at.unix_timestamp() * 1_000);
            delete(&copy, &unheld());
            let (found, _) = master.judge(&copy, &[], "early");
            assert_eq!(found.is_empty(), is_lawful, "{at}: {found:?}");
        }
        // Entries of December are said to be of October: the bodies that could tell are gone.
        let copy = master.copy();
        let notes = rows::notes(&mut copy.attack());
        let october = &notes.iter().find(|(size, _)| *size == MONTH.1).unwrap().1;
        let mut slip = master.draft(&copy);
        let longer = MONTH.1 + 20;
        let gone = vec![(0, HELD[0]), (HELD[1] + 1, longer)];
        slip.ranges = vec![(0, longer)];
        slip.bodies += 20;
        slip.digest = digest(&copy, &gone);
        master.write(&copy, OrderAct::Destroy(slip), &both, now_unix_ms());
        delete(&copy, &gone);
        // A witness saw in November that they were not there yet.
        let seen = master.auditor.cosign_at(october, PAST[0].0 + time::Duration::days(14));
        let expected = gone.iter().map(|(from, to)| (UnlawfulDestruction, *from, *to));
        assert_eq!(master.judge(&copy, &[seen], "younger").0, joined(expected));
    });
}

#[test]
fn after_a_hold_is_lifted_its_entries_may_go_by_a_slip_of_their_own() {
    on_both(|master| {
        let copy = master.copy();
        let both: Vec<&Custodian> = master.custodians.iter().collect();
        let slip = master.draft(&copy);
        master.write(&copy, OrderAct::Destroy(slip.clone()), &both, now_unix_ms());
        let body = rows::body(&mut copy.attack(), master.order);
        let hold = orders::id_in(&body);
        let second = Destroy {
            ranges: vec![(HELD[0], HELD[1] + 1)],
            held: Vec::new(),
            bodies: 2,
            digest: digest(&copy, &[(HELD[0], HELD[1] + 1)]),
            ..slip
        };
        delete(&copy, &[MONTH]);
        let lift = || OrderAct::LiftHold(LiftHold { hold });
        // One custodian alone lifts nothing.
        master.write(&copy, lift(), &both[..1], now_unix_ms());
        master.write(&copy, OrderAct::Destroy(second.clone()), &both, now_unix_ms());
        let expected = joined([(UnlawfulDestruction, HELD[0], HELD[1] + 1)]);
        assert_eq!(master.judge(&copy, &[], "not lifted").0, expected);
        master.write(&copy, lift(), &both, now_unix_ms());
        master.write(&copy, OrderAct::Destroy(second), &both, now_unix_ms());
        assert_eq!(master.judge(&copy, &[], "lifted"), (joined([]), MONTH.1));
    });
}
