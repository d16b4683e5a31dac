//! The check of an operation log for misuse (C106, C107), as rules a supervisor understands.
//!
//! A rule sees who did what when, and about whom by handle.  Names and address numbers are compared
//! here, inside the room, and nothing of them is ever said.
//!
//! Every finding rests on the line that completed it, or on the moment its time ran out, and is made
//! when that is new: so nothing is found twice, however often the same lines are read.

mod known;
mod pattern;
mod rules;

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;
use uuid::Uuid;

pub use self::known::Known;
pub use self::rules::{Age, Count, Hours, Mode, Rules};
use crate::law::{JST, day_in_japan};
use crate::subject::SubjectId;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A line of the operation log, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub sequence: u64,
    pub at_unix_ms: i64,
    pub operator: String,
    pub kind: Kind,
    pub subject: Option<SubjectId>,
    pub inquiry: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An inquiry was sent.
    Asked,
    /// A row of a batch was sent: one of many by intent, and judged as such.
    AskedInBatch,
    /// An inquiry was refused: the number is nobody's in the register.
    NotInRegister,
    /// An inquiry ended with nothing.
    Nothing,
    /// An answer was shown once more.
    Shown,
    /// A person was registered.
    Registered,
    /// Something else was done about a person.
    Other,
}

/// What is new since the last check.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// The first line that has not been checked.
    pub sequence: u64,
    pub last_unix_ms: i64,
    pub now_unix_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub operator: String,
    /// What was seen and what is usual, in Japanese, about nobody by name or number.
    pub explanation: String,
    pub sequences: Vec<u64>,
    pub held: bool,
}

/// The lines and what the room knows of the persons in them.
struct Seen<'a> {
    lines: &'a [Line],
    known: &'a HashMap<SubjectId, Known>,
    since: Since,
}

/// Looks for misuse; `lines` ascend by sequence and reach back as far as [`Rules::reach_ms`] says.
pub fn review(
    rules: &Rules,
    since: Since,
    lines: &[Line],
    known: &HashMap<SubjectId, Known>,
) -> Vec<Finding> {
    let seen = Seen { lines, known, since };
    let checks = [
        (rules.long_resident.mode, "long-resident", seen.long_residents(rules)),
        (rules.self_registered.mode, "self-registered", seen.self_registered(rules)),
        (rules.odd_hours.mode, "odd-hours", seen.odd_hours(&rules.odd_hours)),
        (rules.same_family_name.mode, "same-family-name", seen.same_family_name(rules)),
        (rules.neighbours.mode, "neighbours", seen.neighbours(rules)),
        (rules.burst.mode, "burst", seen.burst(rules.burst)),
        (rules.repeated_reveal.mode, "repeated-reveal", seen.repeated_reveal(rules)),
        (rules.many_askers.mode, "many-askers", seen.many_askers(rules.many_askers)),
        (rules.many_misses.mode, "many-misses", seen.many_misses(rules.many_misses)),
        (rules.many_batches.mode, "many-batches", seen.many_batches(rules.many_batches)),
    ];
    let in_force = checks.into_iter().filter(|(mode, ..)| *mode != Mode::Off);
    let findings = in_force.flat_map(|(mode, rule, found)| {
        found.into_iter().map(move |(operator, sequences, explanation)| Finding {
            rule,
            operator,
            explanation,
            sequences,
            held: mode == Mode::Hold,
        })
    });
    findings.collect()
}

/// Operator, lines, explanation.
type Found = (String, Vec<u64>, String);

impl<'a> Seen<'a> {
    fn of(&self, kinds: &'static [Kind]) -> impl Iterator<Item = &'a Line> + use<'a> {
        self.lines.iter().filter(move |line| kinds.contains(&line.kind))
    }

    fn known(&self, line: &Line) -> Option<&'a Known> {
        self.known.get(&line.subject?)
    }

    fn is_new(&self, line: &Line) -> bool {
        line.sequence >= self.since.sequence
    }

    /// Whether the person had been in the register for longer than a newcomer at that time.
    fn is_long_resident(&self, line: &Line, rules: &Rules) -> bool {
        let registered = self.known(line).map(|known| known.registered_at_unix_ms);
        registered.is_some_and(|at| line.at_unix_ms - at > rules.long_resident.ms())
    }

    fn long_residents(&self, rules: &Rules) -> Vec<Found> {
        let days = rules.long_resident.days;
        let asked = self.of(&[Kind::Asked]).filter(|line| self.is_new(line));
        let found = asked.filter(|line| self.is_long_resident(line, rules));
        by_operator(found, |lines| {
            format!(
                "登録から{days}日を超えた人について{}件照会しました。\
                 転入の手続きのための照会か確認してください。",
                lines.len()
            )
        })
    }

    /// Somebody who was registered only to be asked about: some time later the room still knows
    /// nothing of that person but what this operator did.
    fn self_registered(&self, rules: &Rules) -> Vec<Found> {
        let Age { days, .. } = rules.self_registered;
        let ms = rules.self_registered.ms();
        let has_come = |line: &&Line| {
            let due = line.at_unix_ms.saturating_add(ms);
            self.since.last_unix_ms < due && due <= self.since.now_unix_ms
        };
        let mut about: HashMap<SubjectId, Vec<&Line>> = HashMap::new();
        for line in self.lines {
            line.subject.into_iter().for_each(|id| about.entry(id).or_default().push(line));
        }
        let is_alone = |line: &&Line| {
            let all = line.subject.and_then(|id| about.get(&id)).map(Vec::as_slice);
            let mut registered = all.unwrap_or_default().iter().filter(|other| {
                other.kind == Kind::Registered
                    && other.sequence < line.sequence
                    && line.at_unix_ms - other.at_unix_ms <= ms
            });
            registered.next().is_some()
                && all
                    .unwrap_or_default()
                    .iter()
                    .all(|other| other.operator == line.operator && other.kind != Kind::Other)
        };
        let asked = self.of(&[Kind::Asked, Kind::AskedInBatch]);
        let asked = asked.filter(has_come).filter(is_alone);
        by_operator(asked, |lines| {
            format!(
                "自分で登録した人について{}件照会し、その後{days}日間、\
                 その人について他の職員の操作も接種記録の登録もありません。\
                 転入の届出があるか確認してください。",
                lines.len()
            )
        })
    }

    fn odd_hours(&self, hours: &Hours) -> Vec<Found> {
        let acts = self.of(&[Kind::Asked, Kind::NotInRegister, Kind::Shown]);
        let is_odd = |line: &&Line| hours.is_odd(line.at_unix_ms);
        by_operator(acts.filter(|line| self.is_new(line)).filter(is_odd), |lines| {
            let Hours { from_hour, to_hour, .. } = hours;
            format!(
                "執務時間（{from_hour}時から{to_hour}時）の外、または休みの日に、\
                 {}件照会または表示しました。時間外勤務の届出と照らし合わせてください。",
                lines.len()
            )
        })
    }

    fn same_family_name(&self, rules: &Rules) -> Vec<Found> {
        let count = rules.same_family_name;
        // A household that came together is one: its members share day and name.
        let asked = self.of(&[Kind::Asked]).filter_map(|line| {
            let known = self.known(line)?;
            let family = known.family.as_ref()?;
            let came = at(known.registered_at_unix_ms).map(day_in_japan);
            let household = came.filter(|_| !self.is_long_resident(line, rules));
            let person = line.subject.filter(|_| household.is_none());
            Some((line, (&line.operator, family), (household, person)))
        });
        self.crossings(
            count,
            asked,
            |_, _| true,
            |number| {
                format!(
                    "{}に、姓が同じ人{number}人について照会しました（基準{}人、\
                 同じ日に転入した世帯は1人と数えます）。照会の理由を確認してください。",
                    count.span(),
                    count.least
                )
            },
        )
    }

    /// Newcomers are left out: their numbers follow each other because they came after each other.
    fn neighbours(&self, rules: &Rules) -> Vec<Found> {
        let count = rules.neighbours;
        let asked = self.of(&[Kind::Asked]).filter_map(|line| {
            let place = self.known(line)?.place.as_ref()?;
            let is_old = self.is_long_resident(line, rules);
            is_old.then_some((line, (&line.operator, &place.series), line.subject))
        });
        let place = |line: &Line| self.known(line)?.place.as_ref().map(|place| place.number);
        let is_near = |one: &Line, other: &Line| match (place(one), place(other)) {
            (Some(one), Some(other)) => one.abs_diff(other) <= rules.neighbour_distance,
            _ => false,
        };
        self.crossings(count, asked, is_near, |number| {
            format!(
                "{}に、\
                 宛名番号が隣り合う以前からの住民{number}人について照会しました（基準{}人）。\
                 照会の理由を確認してください。",
                count.span(),
                count.least
            )
        })
    }

    fn burst(&self, count: Count) -> Vec<Found> {
        let asked = self.of(&[Kind::Asked, Kind::NotInRegister]);
        let asked = asked.map(|line| (line, &line.operator, line.sequence));
        self.crossings(
            count,
            asked,
            |_, _| true,
            |number| {
                format!(
                    "{}に{number}件照会しました（基準{}件）。\
                 まとめて照会する必要があったか確認してください。",
                    count.span(),
                    count.least
                )
            },
        )
    }

    fn repeated_reveal(&self, rules: &Rules) -> Vec<Found> {
        let count = rules.repeated_reveal;
        let shown = self.of(&[Kind::Shown]);
        let shown = shown.map(|line| (line, (&line.operator, line.inquiry), line.sequence));
        self.crossings(
            count,
            shown,
            |_, _| true,
            |number| {
                format!(
                    "{}に、同じ照会の結果を{number}回表示し直しました（基準{}回）。\
                 表示の理由を確認してください。",
                    count.span(),
                    count.least
                )
            },
        )
    }

    fn many_askers(&self, count: Count) -> Vec<Found> {
        let asked = self.of(&[Kind::Asked, Kind::AskedInBatch]);
        let asked = asked.filter_map(|line| Some((line, line.subject?, &line.operator)));
        self.crossings(
            count,
            asked,
            |_, _| true,
            |number| {
                format!(
                    "{}に、同じ人について{number}人の職員が照会しました（基準{}人）。\
                 それぞれの照会の理由を確認してください。",
                    count.span(),
                    count.least
                )
            },
        )
    }

    /// A file holds each person once, so a person in many files is asked about in many places.
    fn many_batches(&self, count: Count) -> Vec<Found> {
        let asked = self.of(&[Kind::AskedInBatch]);
        let asked =
            asked.filter_map(|line| Some((line, (&line.operator, line.subject?), line.inquiry?)));
        self.crossings(
            count,
            asked,
            |_, _| true,
            |number| {
                format!(
                    "{}に、同じ人を{number}回の一括照会に入れました（基準{}回）。\
                     転出元を試していないか確認してください。",
                    count.span(),
                    count.least
                )
            },
        )
    }

    fn many_misses(&self, count: Count) -> Vec<Found> {
        let missed = self.of(&[Kind::NotInRegister, Kind::Nothing]);
        let missed = missed.map(|line| (line, &line.operator, line.sequence));
        self.crossings(
            count,
            missed,
            |_, _| true,
            |number| {
                format!(
                    "{}に、登録簿にない番号の照会、\
                 または該当なしの照会が{number}件ありました（基準{}件）。\
                 番号を試していないか確認してください。",
                    count.span(),
                    count.least
                )
            },
        )
    }
}

/// One finding for each operator, over lines that each are one already.
fn by_operator<'a>(
    lines: impl Iterator<Item = &'a Line>,
    explain: impl Fn(&[u64]) -> String,
) -> Vec<Found> {
    let mut operators: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    lines.for_each(|line| operators.entry(&line.operator).or_default().push(line.sequence));
    let found = operators.into_iter();
    found.map(|(name, lines)| (name.to_owned(), lines.clone(), explain(&lines))).collect()
}

fn at(unix_ms: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1_000)).ok()
}

impl Hours {
    fn is_odd(&self, unix_ms: i64) -> bool {
        at(unix_ms).map(|at| at.to_offset(JST)).is_some_and(|at| {
            let is_open = (self.from_hour..self.to_hour).contains(&at.hour());
            !is_open || self.days_off.contains(&at.weekday())
        })
    }
}

#[cfg(test)]
mod month_tests;
#[cfg(test)]
mod tests;
