//! How long each class of records is kept, as dated rows; days are counted in Japan's calendar.
//!
//! docs/LOG_FORMAT.md §6 tells others the same.  Nothing here destroys anything.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month, OffsetDateTime};

use crate::law::JST;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetentionClass {
    Vaccination,
    Provision,
    Operation,
}

/// Dated rows: how many years each class is kept, while which rule was in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Rule {
    class: RetentionClass,
    years: u32,
    valid_from: Date,
    /// The last day in force.
    valid_until: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the retention rules cannot be read")]
pub struct InvalidRetentionRules {
    /// Counted from 1, the header not included.
    pub row: usize,
}

impl RetentionRules {
    /// The rules that ship inside the executable; its tests prove that every row parses.
    pub fn shipped() -> Self {
        Self::parse(include_str!("../data/retention.csv")).unwrap_or_default()
    }

    /// One unreadable row refuses the whole list: a rule left out could end a period too early.
    pub fn parse(csv_text: &str) -> Result<Self, InvalidRetentionRules> {
        let mut rules = Vec::new();
        for (index, row) in csv::Reader::from_reader(csv_text.as_bytes()).deserialize().enumerate()
        {
            let rule = row.ok().filter(Rule::is_sound);
            rules.push(rule.ok_or(InvalidRetentionRules { row: index + 1 })?);
        }
        Ok(Self { rules })
    }

    /// The longest rule that was in force at any time from `made_on` to `today`.
    ///
    /// `None` when none was: then nobody knows how long, and nothing may go.
    pub fn years(&self, class: RetentionClass, made_on: Date, today: Date) -> Option<u32> {
        let today = today.max(made_on);
        let in_force = self.rules.iter().filter(|rule| {
            rule.class == class
                && rule.valid_from <= today
                && rule.valid_until.is_none_or(|until| made_on <= until)
        });
        in_force.map(|rule| rule.years).max()
    }

    /// The longest rule for any entry of a segment.
    pub fn segment_years(
        &self,
        class: RetentionClass,
        segment: Segment,
        today: Date,
    ) -> Option<u32> {
        self.years(class, segment.first_day(), today.max(segment.last_day()))
    }
}

impl Rule {
    fn is_sound(&self) -> bool {
        self.years > 0 && self.valid_until.is_none_or(|until| self.valid_from <= until)
    }
}

/// The last day on which a record made on `made_on` must still be there.
///
/// The period begins on the day after (Civil Code 140) and ends with the day before the one of the
/// same name, or, where that month has no such day, with the month's last (Civil Code 143).
pub fn last_kept_day(made_on: Date, years: u32) -> Option<Date> {
    let first = made_on.next_day()?;
    let year = first.year().checked_add_unsigned(years)?;
    match Date::from_calendar_date(year, first.month(), first.day()) {
        Ok(same_name) => same_name.previous_day(),
        Err(_) => Date::from_calendar_date(year, first.month(), first.month().length(year)).ok(),
    }
}

/// The last day on which the last entry of a segment must still be there.
pub fn segment_last_kept_day(segment: Segment, years: u32) -> Option<Date> {
    last_kept_day(segment.last_day(), years)
}

/// The segment of an entry that the log took in at this moment.
pub fn segment_of(unix_ms: i64) -> Option<Segment> {
    Segment::holding(japanese_day(unix_ms)?)
}

/// The day in Japan of a moment, if the calendar reaches that far.
pub fn japanese_day(unix_ms: i64) -> Option<Date> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000).ok()?;
    at.checked_to_offset(JST).map(OffsetDateTime::date)
}

/// A month of the provision log, in Japan's calendar; written as the number `yyyymm`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Segment {
    first_day: Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a segment is a month, yyyymm")]
pub struct InvalidSegment;

impl Segment {
    /// The month that this day is in; `None` before the year 1.
    pub fn holding(day: Date) -> Option<Self> {
        let first_day = day.replace_day(1).ok()?;
        (first_day.year() > 0).then_some(Self { first_day })
    }

    pub fn number(self) -> i32 {
        self.first_day.year() * 100 + i32::from(u8::from(self.first_day.month()))
    }

    pub fn first_day(self) -> Date {
        self.first_day
    }

    pub fn last_day(self) -> Date {
        let days = self.first_day.month().length(self.first_day.year());
        self.first_day.saturating_add(Duration::days(i64::from(days) - 1))
    }

    /// The first moment after it, in Unix seconds.
    pub fn end_unix_s(self) -> i64 {
        let last_midnight = self.last_day().midnight().assume_offset(JST);
        last_midnight.unix_timestamp() + Duration::DAY.whole_seconds()
    }
}

impl TryFrom<i32> for Segment {
    type Error = InvalidSegment;

    fn try_from(number: i32) -> Result<Self, InvalidSegment> {
        let month = u8::try_from(number.rem_euclid(100)).map_err(|_| InvalidSegment)?;
        let month = Month::try_from(month).map_err(|_| InvalidSegment)?;
        let first_day = Date::from_calendar_date(number.div_euclid(100), month, 1)
            .map_err(|_| InvalidSegment)?;
        Self::holding(first_day).ok_or(InvalidSegment)
    }
}

impl From<Segment> for i32 {
    fn from(segment: Segment) -> Self {
        segment.number()
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.number())
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
