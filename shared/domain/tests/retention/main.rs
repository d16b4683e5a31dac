//! The retention clock against an oracle in another language that reckons in another way.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

use std::process::Command;

use domain::retention::{
    RetentionClass, RetentionRules, Segment, last_kept_day, segment_last_kept_day, segment_of,
};
use time::{Date, Duration, OffsetDateTime, macros::time};

const YEARS_MAX: u32 = 10;

/// A day, and the last kept days of periods of 1 to 10 years that begin after it.
struct Row {
    made_on: Date,
    last: Vec<Date>,
}

fn parse(day: &str) -> Date {
    Date::parse(day, &time::format_description::well_known::Iso8601::DATE).unwrap()
}

/// What the oracle says about every day of these years.
fn oracle(first_year: u32, last_year: u32) -> Vec<Row> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/retention/oracle.py");
    let numbers = [first_year, last_year, YEARS_MAX].map(|number| number.to_string());
    let ran = Command::new("python3").arg(script).args(numbers).output();
    let output = ran.expect("python3 is needed: tests/run installs it");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the oracle failed: {complaint}");
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows = rows.lines().map(|row| {
        let mut days = row.split(' ').map(parse);
        Row { made_on: days.next().unwrap(), last: days.collect() }
    });
    rows.collect()
}

/// Seven years and more around leap days, and the years around 2100, which is none.
fn all_rows() -> Vec<Row> {
    let mut rows = oracle(2024, 2033);
    rows.extend(oracle(2092, 2104));
    let leap_days = rows.iter().filter(|row| (row.made_on.month(), row.made_on.day()) == LEAP_DAY);
    assert_eq!(leap_days.count(), 6, "2024, 2028, 2032, 2092, 2096, 2104");
    rows
}

const LEAP_DAY: (time::Month, u8) = (time::Month::February, 29);

#[test]
fn every_start_day_and_period_ends_as_the_oracle_says() {
    let rows = all_rows();
    assert_eq!(rows.len(), 3_653 + 4_748, "no day is left out");
    for Row { made_on, last } in &rows {
        assert_eq!(last.len(), 10);
        for (years, last) in (1..=YEARS_MAX).zip(last) {
            let ours = last_kept_day(*made_on, years);
            assert_eq!(ours, Some(*last), "made on {made_on}, {years} years");
        }
    }
}

#[test]
fn every_segment_is_kept_as_its_last_entry() {
    let rows = all_rows();
    let tomorrow_is_another_month =
        |row: &&Row| row.made_on.next_day().unwrap().month() != row.made_on.month();
    for Row { made_on, last } in rows.iter().filter(tomorrow_is_another_month) {
        let segment = Segment::holding(*made_on).unwrap();
        assert_eq!(segment.last_day(), *made_on);
        for (years, last) in (1..=YEARS_MAX).zip(last) {
            assert_eq!(segment_last_kept_day(segment, years), Some(*last), "{segment}, {years}");
        }
    }
}

/// Whenever in its month an entry was logged, its segment outlives its own period.
#[test]
fn no_entry_goes_before_its_own_period_ends() {
    for Row { made_on, last } in all_rows() {
        for at in [time!(0:00), time!(23:59:59.999)] {
            let logged_at = OffsetDateTime::new_in_offset(made_on, at, domain::law::JST);
            let unix_ms = i64::try_from(logged_at.unix_timestamp_nanos() / 1_000_000).unwrap();
            let segment = segment_of(unix_ms).unwrap();
            for (years, last) in (1..=YEARS_MAX).zip(&last) {
                assert!(segment_last_kept_day(segment, years).unwrap() >= *last, "{logged_at}");
            }
        }
    }
}

/// The shipped rules on the days around the end of seven years, whatever the clock says.
#[test]
fn provision_records_are_kept_for_seven_years_on_every_day() {
    let rules = RetentionRules::shipped();
    for Row { made_on, last } in all_rows() {
        let last_of_seven = last[6];
        for today in [made_on, last_of_seven, last_of_seven + Duration::days(365)] {
            let years = rules.years(RetentionClass::Provision, made_on, today);
            assert_eq!(years, Some(7));
            assert_eq!(last_kept_day(made_on, 7), Some(last_of_seven));
        }
    }
}
