//! A month of normal work with misuse planted in it: all of it is found, once, and little else.

use super::tests::Log;
use super::*;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Monday, 2026-06-01 00:00 in Japan.
const FIRST: i64 = 1_780_239_600_000;

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }
}

struct Act {
    at: i64,
    operator: String,
    kind: Kind,
    subject: SubjectId,
}

#[derive(Default)]
struct Month {
    log: Log,
    acts: Vec<Act>,
    inquiries: usize,
}

impl Month {
    fn act(&mut self, at: i64, operator: &str, kind: Kind, subject: SubjectId) {
        self.inquiries += usize::from(kind == Kind::Asked);
        self.acts.push(Act { at, operator: operator.to_owned(), kind, subject });
    }

    /// Sixty families a working day move in, are registered, asked about, and get on with life.
    fn work(&mut self, dice: &mut Dice) {
        for family in (0..30).filter(|day| day % 7 < 5).flat_map(|day| [day; 60]) {
            let clerk = format!("clerk-{}", dice.below(12));
            // The commonest names are those of one person in a hundred.
            let name = format!("姓{}", dice.below(100) * dice.below(100));
            let mut at = FIRST + family * DAY_MS + 8 * HOUR_MS + 30 * MINUTE_MS;
            at += dice.below(8 * HOUR_MS);
            for _ in 0..=dice.below(4) {
                let address = 500_000 + u64::try_from(self.log.known.len()).unwrap();
                let person = self.log.person(&name, address, at);
                self.act(at, &clerk, Kind::Registered, person);
                self.act(at + MINUTE_MS, &clerk, Kind::Asked, person);
                if dice.below(5) == 0 {
                    self.act(at + MINUTE_MS + 1_000, &clerk, Kind::Nothing, person);
                }
                for again in 0..dice.below(3) {
                    self.act(at + (2 + again) * MINUTE_MS, &clerk, Kind::Shown, person);
                }
                // Within ten days somebody else has to do with nearly everybody.
                if dice.below(1_000) > 0 {
                    self.act(at + dice.below(10 * DAY_MS), "clerk-99", Kind::Other, person);
                }
                at += 4 * MINUTE_MS + dice.below(3 * MINUTE_MS);
            }
        }
    }

    /// One misuse of every kind; whoever does it is named after the rule.
    fn plant(&mut self) {
        let noon = FIRST + 9 * DAY_MS + 12 * HOUR_MS;
        let (long_ago, just_now) = (noon - 400 * DAY_MS, noon - DAY_MS);
        let old = self.log.person("早川", 900, long_ago);
        self.act(noon, "long-resident", Kind::Asked, old);
        let alone = self.log.person("立花", 910_000, noon);
        self.act(noon, "self-registered", Kind::Registered, alone);
        self.act(noon + 1, "self-registered", Kind::Asked, alone);
        let new = self.log.person("夜野", 920_000, just_now);
        self.act(noon + 15 * HOUR_MS, "odd-hours", Kind::Asked, new);
        for number in 0..5 {
            let namesake = self.log.person("渡来", 1_000 * (number + 1), long_ago);
            self.act(noon + DAY_MS / 2, "same-family-name", Kind::Asked, namesake);
        }
        for number in 0..4 {
            let neighbour = self.log.person(&format!("隣{number}"), 7_000 + number, long_ago);
            self.act(noon + DAY_MS, "neighbours", Kind::Asked, neighbour);
        }
        for number in 0..20 {
            let new = self.log.person(&format!("急{number}"), 930_000, just_now);
            self.act(noon + i64::from(number) * 20_000, "burst", Kind::Asked, new);
        }
        let new = self.log.person("一二三", 940_000, just_now);
        for number in 0..10 {
            let at = noon + number * 5 * MINUTE_MS;
            self.act(at, "repeated-reveal", Kind::Shown, new);
            self.act(at, "many-misses", Kind::NotInRegister, new);
        }
        for operator in ["first-of-many", "second-of-many", "many-askers"] {
            self.act(noon, operator, Kind::Asked, new);
        }
    }

    /// Checks every twelve hours until the last delay is over.
    fn check(&mut self, rules: &Rules) -> Vec<Finding> {
        self.acts.sort_by_key(|act| act.at);
        for Act { at, operator, kind, subject } in &self.acts {
            self.log.add(*at, operator, *kind, Some(*subject));
        }
        for line in &mut self.log.lines {
            line.inquiry = line.subject.map(|subject| subject.0);
        }
        let (lines, known) = (&self.log.lines, &self.log.known);
        let mut since = Since { sequence: 0, last_unix_ms: 0, now_unix_ms: FIRST };
        let mut findings = Vec::new();
        while since.now_unix_ms < FIRST + 60 * DAY_MS {
            let to = lines.partition_point(|line| line.at_unix_ms <= since.now_unix_ms);
            let new = lines[..to].iter().find(|line| line.sequence >= since.sequence);
            let begin = new.map_or(since.now_unix_ms, |line| line.at_unix_ms) - rules.reach_ms();
            let from = lines.partition_point(|line| line.at_unix_ms < begin);
            findings.extend(review(rules, since, &lines[from..to], known));
            since = Since {
                sequence: u64::try_from(to).unwrap(),
                last_unix_ms: since.now_unix_ms,
                now_unix_ms: since.now_unix_ms + 12 * HOUR_MS,
            };
        }
        findings
    }
}

#[test]
fn misuse_planted_in_a_month_of_work_is_found_once_and_hardly_anybody_else() {
    let rules = Rules::default();
    let mut month = Month::default();
    month.work(&mut Dice(7));
    month.plant();
    let findings = month.check(&rules);
    let planted = [
        "long-resident",
        "self-registered",
        "odd-hours",
        "same-family-name",
        "neighbours",
        "burst",
        "repeated-reveal",
        "many-askers",
        "many-misses",
    ];
    for rule in planted {
        let mine = |found: &&Finding| found.rule == rule && found.operator == rule;
        assert_eq!(findings.iter().filter(mine).count(), 1, "{rule}: {findings:?}");
    }
    let others: Vec<_> = findings
        .iter()
        .filter(|found| !planted.contains(&found.operator.as_str()))
        .map(|found| (found.rule, &found.operator, &found.explanation))
        .collect();
    let inquiries = month.inquiries;
    assert!(inquiries > 3_000, "{inquiries}");
    // One false alarm for a thousand inquiries is what a supervisor can look into.
    assert!(others.len() <= inquiries / 1_000, "{} of {inquiries}: {others:#?}", others.len());
}
