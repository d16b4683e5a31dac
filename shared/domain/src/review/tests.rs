//! Each rule at its limit and just below it.

use time::{Date, Weekday};

use super::*;
use crate::subject::{Flags, Sex, Subject};
use crate::{AddressNumber, PersonalText};

const MINUTE_MS: i64 = 60_000;
/// Monday, 2026-06-01 10:00 in Japan.
const MONDAY: i64 = 1_780_275_600_000;

/// A log to be written by hand, with what the room knows of its persons.
#[derive(Default)]
pub(super) struct Log {
    pub(super) lines: Vec<Line>,
    pub(super) known: HashMap<SubjectId, Known>,
}

impl Log {
    pub(super) fn person(&mut self, family: &str, address: u64, registered: i64) -> SubjectId {
        let id = SubjectId(Uuid::from_u128(u128::try_from(self.known.len()).unwrap() + 1));
        let subject = Subject {
            address_number: AddressNumber::parse(&format!("{address:010}")).unwrap(),
            name: PersonalText::parse(&format!("{family}\u{3000}花子")).unwrap(),
            name_kana: PersonalText::parse("ハナコ").unwrap(),
            birth_date: Date::from_ordinal_date(1980, 1).unwrap(),
            sex: Sex::Female,
            flags: Flags::default(),
        };
        self.known.insert(id, Known::new(&subject, registered));
        id
    }

    /// A person who has just moved in and shares nothing with the others.
    pub(super) fn newcomer(&mut self, at: i64) -> SubjectId {
        let number = u64::try_from(self.known.len()).unwrap();
        self.person(&format!("姓{number}"), number * 1_000, at - DAY_MS)
    }

    pub(super) fn add(&mut self, at: i64, operator: &str, kind: Kind, subject: Option<SubjectId>) {
        let sequence = u64::try_from(self.lines.len()).unwrap();
        let (operator, inquiry) = (operator.to_owned(), Some(Uuid::nil()));
        self.lines.push(Line { sequence, at_unix_ms: at, operator, kind, subject, inquiry });
    }

    pub(super) fn ask(&mut self, at: i64, operator: &str, subject: SubjectId) {
        self.add(at, operator, Kind::Asked, Some(subject));
    }

    /// The rules' findings, all lines being new.
    fn findings(&self, rules: &Rules) -> Vec<Finding> {
        let last = self.lines.last().map_or(0, |line| line.at_unix_ms);
        let since = Since { sequence: 0, last_unix_ms: i64::MIN, now_unix_ms: last };
        review(rules, since, &self.lines, &self.known)
    }
}

/// All rules off, so that one can be switched on.
fn silent() -> Rules {
    let off = |count| Count { mode: Mode::Off, ..count };
    let rules = Rules::default();
    Rules {
        long_resident: Age { mode: Mode::Off, ..rules.long_resident },
        self_registered: Age { mode: Mode::Off, ..rules.self_registered },
        same_family_name: off(rules.same_family_name),
        neighbours: off(rules.neighbours),
        odd_hours: Hours { mode: Mode::Off, ..rules.odd_hours },
        burst: off(rules.burst),
        repeated_reveal: off(rules.repeated_reveal),
        many_askers: off(rules.many_askers),
        many_misses: off(rules.many_misses),
        many_batches: off(rules.many_batches),
        ..rules
    }
}

fn count(least: usize, minutes: u16) -> Count {
    Count { mode: Mode::Report, least, days: 0, minutes }
}

/// Exactly this rule has found exactly these lines.
fn expect(findings: &[Finding], rule: &str, sequences: &[u64]) {
    let [found] = findings else { panic!("{rule}: {findings:?}") };
    assert_eq!((found.rule, found.sequences.as_slice()), (rule, sequences));
    assert!(found.explanation.ends_with('。'), "{found:?}");
    assert!(
        !["花子", "山田", "姓1"].iter().any(|name| found.explanation.contains(name)),
        "{found:?}"
    );
}

#[test]
fn somebody_who_did_not_just_move_in_is_noticed_from_the_first_moment_after_the_limit() {
    let rules = Rules { long_resident: Age { mode: Mode::Report, days: 60 }, ..silent() };
    for (more_ms, is_found) in [(0, false), (1, true)] {
        let mut log = Log::default();
        let person = log.person("山田", 1, MONDAY - 60 * DAY_MS - more_ms);
        log.ask(MONDAY, "a", person);
        let findings = log.findings(&rules);
        assert_eq!(findings.len(), usize::from(is_found));
        if is_found {
            expect(&findings, "long-resident", &[0]);
        }
    }
}

#[test]
fn a_person_whom_only_the_asker_knows_is_noticed_when_the_time_is_over() {
    let rules = Rules { self_registered: Age { mode: Mode::Report, days: 14 }, ..silent() };
    let due = MONDAY + 14 * DAY_MS;
    let check = |log: &Log, last_unix_ms, now_unix_ms| {
        let since = Since { sequence: 2, last_unix_ms, now_unix_ms };
        review(&rules, since, &log.lines, &log.known)
    };
    let planted = || {
        let mut log = Log::default();
        let person = log.newcomer(MONDAY);
        log.add(MONDAY - 1, "a", Kind::Registered, Some(person));
        log.ask(MONDAY, "a", person);
        (log, person)
    };
    let (log, _) = planted();
    assert_eq!(check(&log, MONDAY, due - 1), []);
    expect(&check(&log, due - 1, due), "self-registered", &[1]);
    assert_eq!(check(&log, due, due + 1), [], "found twice");
    // A dose, a colleague, another municipality: something else is known.
    for operator in ["a", "b", "broker/main"] {
        let (mut log, person) = planted();
        log.add(MONDAY + DAY_MS, operator, Kind::Other, Some(person));
        assert_eq!(check(&log, due - 1, due), []);
    }
    // Registered by a colleague.
    let (mut log, _) = planted();
    log.lines[0].operator = "b".to_owned();
    assert_eq!(check(&log, due - 1, due), []);
}

#[test]
fn namesakes_are_counted_as_persons_and_households_as_one() {
    let rules = Rules { same_family_name: count(3, 60), ..silent() };
    let old = MONDAY - 400 * DAY_MS;
    let ask_about = |ages: &[i64], names: &[&str]| {
        let mut log = Log::default();
        for (registered, name) in ages.iter().zip(names) {
            let person = log.person(name, 1, *registered);
            log.ask(MONDAY, "a", person);
        }
        log.findings(&rules)
    };
    assert_eq!(ask_about(&[old, old], &["山田", "山田"]), []);
    assert_eq!(ask_about(&[old, old, old], &["山田", "山田", "田中"]), []);
    expect(&ask_about(&[old, old, old], &["山田", "山田", "山田"]), "same-family-name", &[0, 1, 2]);
    // Three who came on one day are a family; on three days they are not.
    let came = |days: i64| MONDAY - days * DAY_MS;
    assert_eq!(ask_about(&[came(3), came(3), came(3)], &["山田", "山田", "山田"]), []);
    let days = [came(3), came(2), came(1)];
    expect(&ask_about(&days, &["山田", "山田", "山田"]), "same-family-name", &[0, 1, 2]);
}

#[test]
fn neighbours_are_counted_by_the_distance_of_their_address_numbers() {
    let rules = Rules { neighbours: count(3, 60), neighbour_distance: 2, ..silent() };
    let ask_about = |addresses: &[u64], age_days: i64| {
        let mut log = Log::default();
        for address in addresses {
            let person = log.person(&format!("姓{address}"), *address, MONDAY - age_days * DAY_MS);
            log.ask(MONDAY, "a", person);
        }
        log.findings(&rules)
    };
    assert_eq!(ask_about(&[100, 102, 105], 400), []);
    expect(&ask_about(&[100, 104, 102], 400), "neighbours", &[0, 1, 2]);
    assert_eq!(ask_about(&[100, 100, 101], 1), [], "newcomers follow each other");
}

#[test]
fn hours_and_days_off_are_japans() {
    let odd_hours =
        Hours { mode: Mode::Report, from_hour: 8, to_hour: 18, days_off: vec![Weekday::Sunday] };
    let rules = Rules { odd_hours, ..silent() };
    let hour = 60 * MINUTE_MS;
    let (opens, closes) = (MONDAY - 2 * hour, MONDAY + 8 * hour);
    for (at, is_found) in [
        (opens - 1_000, true),
        (opens, false),
        (closes - 1_000, false),
        (closes, true),
        (MONDAY - DAY_MS, true),
        (MONDAY + 5 * DAY_MS, false),
    ] {
        let mut log = Log::default();
        let person = log.newcomer(at);
        log.ask(at, "a", person);
        assert_eq!(log.findings(&rules).len(), usize::from(is_found), "{at}");
    }
}

#[test]
fn counts_are_reached_at_their_limit_within_their_time() {
    let rules = Rules {
        burst: count(3, 10),
        many_misses: count(3, 10),
        repeated_reveal: count(3, 10),
        ..silent()
    };
    let cases =
        [(Kind::Asked, "burst"), (Kind::Nothing, "many-misses"), (Kind::Shown, "repeated-reveal")];
    for (kind, rule) in cases {
        let at = |times: &[i64]| {
            let mut log = Log::default();
            for after in times {
                log.add(MONDAY + after, "a", kind, None);
            }
            log.findings(&rules)
        };
        let ten = 10 * MINUTE_MS;
        assert_eq!(at(&[0, 1]), []);
        assert_eq!(at(&[0, 1, ten]), [], "{rule}");
        expect(&at(&[0, 1, ten - 1]), rule, &[0, 1, 2]);
        // Going on is not another finding; beginning again is.
        expect(&at(&[0, 1, 2, 3, 4, 5]), rule, &[0, 1, 2]);
        assert_eq!(at(&[0, 1, 2, 3, 2 * ten, 2 * ten + 1, 2 * ten + 2]).len(), 2);
    }
}

#[test]
fn operators_are_counted_apart_and_for_one_person_together() {
    let rules = Rules { burst: count(3, 10), many_askers: count(3, 60), ..silent() };
    let mut log = Log::default();
    let person = log.newcomer(MONDAY);
    for (after, operator) in [(0, "a"), (1, "b"), (2, "a"), (3, "b")] {
        log.ask(MONDAY + after * MINUTE_MS, operator, person);
    }
    assert_eq!(log.findings(&rules), []);
    log.ask(MONDAY + 4 * MINUTE_MS, "c", person);
    expect(&log.findings(&rules), "many-askers", &[0, 1, 2, 3, 4]);
}

#[test]
fn holding_is_said_in_the_finding_and_off_is_silent() {
    let mut rules = silent();
    let mut log = Log::default();
    let person = log.newcomer(MONDAY);
    for mode in [Mode::Off, Mode::Report, Mode::Hold] {
        rules.burst = Count { mode, ..count(1, 10) };
        log.lines.clear();
        log.ask(MONDAY, "a", person);
        let held: Vec<bool> = log.findings(&rules).iter().map(|found| found.held).collect();
        let want = if mode == Mode::Off { vec![] } else { vec![mode == Mode::Hold] };
        assert_eq!(held, want);
    }
}

#[test]
fn nothing_of_a_person_is_printed() {
    let mut log = Log::default();
    log.person("山田", 12_345, MONDAY);
    let text = format!("{:?}", log.known);
    assert!(!text.contains("山田") && !text.contains("12345"), "{text}");
}

#[test]
fn a_batch_is_no_burst_and_its_night_no_odd_hour() {
    let mut log = Log::default();
    for row in 0..1_000 {
        // Old residents with one name and numbers next to each other, at three in the morning.
        let person = log.person("山田", row, MONDAY - 100 * DAY_MS);
        log.add(MONDAY + 17 * 60 * MINUTE_MS, "a", Kind::AskedInBatch, Some(person));
    }
    assert_eq!(log.findings(&Rules::default()), []);
}

#[test]
fn a_person_in_three_batches_is_noticed() {
    let mut log = Log::default();
    let person = log.newcomer(MONDAY);
    for (nth, is_found) in [(1, false), (2, false), (3, true)] {
        log.add(MONDAY + nth * DAY_MS, "a", Kind::AskedInBatch, Some(person));
        let inquiry = Uuid::from_u128(u128::try_from(nth).unwrap());
        log.lines.last_mut().unwrap().inquiry = Some(inquiry);
        let findings = log.findings(&Rules::default());
        assert_eq!(findings.len(), usize::from(is_found));
        if is_found {
            expect(&findings, "many-batches", &[0, 1, 2]);
        }
    }
}
