use serde::Deserialize;
use time::Weekday;

use super::DAY_MS;

const MINUTE_MS: i64 = 60_000;

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Off,
    /// The supervisor reads it.
    Report,
    /// The operator's inquiries are held until a supervisor releases them.
    Hold,
}

/// The rules and their limits; a rule that is configured is written whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Asked about somebody who did not just move in.
    pub long_resident: Age,
    /// Asked about somebody whom nobody else has had to do with, so long after.
    pub self_registered: Age,
    /// Different persons of one family name, asked about by one operator.
    pub same_family_name: Count,
    /// Different persons with address numbers next to each other, asked about by one operator.
    pub neighbours: Count,
    /// How far apart address numbers of neighbours are at most.
    pub neighbour_distance: u64,
    pub odd_hours: Hours,
    /// Inquiries of one operator.
    pub burst: Count,
    /// The same answer, shown once more to one operator.
    pub repeated_reveal: Count,
    /// Different operators who asked about one person.
    pub many_askers: Count,
    /// Inquiries of one operator that found nobody or nothing.
    pub many_misses: Count,
    /// Batches of one operator that ask about the same person.
    pub many_batches: Count,
}

/// A limit in days.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Age {
    pub mode: Mode,
    pub days: u16,
}

/// From how many on, within which time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub mode: Mode,
    pub least: usize,
    #[serde(default)]
    pub days: u16,
    #[serde(default)]
    pub minutes: u16,
}

/// Hours of work in Japan, `from_hour..to_hour`, and days without work.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    pub mode: Mode,
    pub from_hour: u8,
    pub to_hour: u8,
    pub days_off: Vec<Weekday>,
}

impl Default for Rules {
    fn default() -> Self {
        let mode = Mode::Report;
        let within = |least, days, minutes| Count { mode, least, days, minutes };
        Self {
            long_resident: Age { mode, days: 60 },
            self_registered: Age { mode, days: 14 },
            same_family_name: within(5, 3, 0),
            neighbours: within(4, 7, 0),
            neighbour_distance: 3,
            odd_hours: Hours { mode, from_hour: 7, to_hour: 21, days_off: vec![Weekday::Sunday] },
            burst: within(20, 0, 10),
            repeated_reveal: within(6, 1, 0),
            many_askers: within(3, 30, 0),
            many_misses: within(10, 0, 60),
            many_batches: within(3, 30, 0),
        }
    }
}

impl Rules {
    /// How far before the first new line the lines must begin that the rules are given.
    pub fn reach_ms(&self) -> i64 {
        let counts = [
            self.same_family_name,
            self.neighbours,
            self.burst,
            self.repeated_reveal,
            self.many_askers,
            self.many_misses,
            self.many_batches,
        ];
        // Whether a limit was reached shortly before depends on as long a time before that.
        let counts = counts.into_iter().filter(|count| count.mode != Mode::Off);
        let longest = counts.map(|count| count.ms()).max().unwrap_or(0);
        longest.max(self.self_registered.ms()).saturating_mul(2)
    }

    /// How far before the first new line the rules compare persons.
    pub fn known_reach_ms(&self) -> i64 {
        self.same_family_name.ms().max(self.neighbours.ms()).saturating_mul(2)
    }
}

impl Age {
    pub(super) fn ms(self) -> i64 {
        i64::from(self.days) * DAY_MS
    }
}

impl Count {
    pub(super) fn ms(self) -> i64 {
        i64::from(self.days) * DAY_MS + i64::from(self.minutes) * MINUTE_MS
    }

    pub(super) fn span(self) -> String {
        match (self.days, self.minutes) {
            (0, minutes) => format!("{minutes}分以内"),
            (days, 0) => format!("{days}日以内"),
            (days, minutes) => format!("{days}日と{minutes}分以内"),
        }
    }
}
