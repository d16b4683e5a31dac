//! The retention clock against the examples of docs/LOG_FORMAT.md §6.

use time::macros::{date, datetime};

use super::*;

const CLASSES: [RetentionClass; 3] =
    [RetentionClass::Vaccination, RetentionClass::Provision, RetentionClass::Operation];

fn segment(number: i32) -> Segment {
    Segment::try_from(number).unwrap()
}

#[test]
fn periods_end_as_the_written_examples_say() {
    for (made_on, years, last) in [
        (date!(2026 - 04 - 30), 7, date!(2033 - 04 - 30)),
        (date!(2028 - 02 - 28), 7, date!(2035 - 02 - 28)),
        (date!(2027 - 02 - 28), 7, date!(2034 - 02 - 28)),
        // A leap day's period begins on 1 March.
        (date!(2028 - 02 - 29), 7, date!(2035 - 02 - 28)),
        (date!(2028 - 02 - 29), 8, date!(2036 - 02 - 29)),
        (date!(2029 - 02 - 28), 7, date!(2036 - 02 - 29)),
        (date!(2028 - 02 - 28), 4, date!(2032 - 02 - 28)),
        (date!(2026 - 12 - 31), 5, date!(2031 - 12 - 31)),
    ] {
        assert_eq!(last_kept_day(made_on, years), Some(last), "{made_on}, {years}");
    }
    assert_eq!(last_kept_day(date!(9998 - 01 - 01), 7), None);
    assert_eq!(last_kept_day(Date::MAX, 1), None);
    assert_eq!(last_kept_day(date!(2026 - 01 - 01), u32::MAX), None);
}

#[test]
fn a_segment_is_kept_as_long_as_its_last_day() {
    let last = segment_last_kept_day(segment(202611), 7);
    assert_eq!(last, Some(date!(2033 - 11 - 30)));
    assert_eq!(segment_last_kept_day(segment(202902), 7), Some(date!(2036 - 02 - 29)));
}

#[test]
fn a_month_ends_at_midnight_in_japan() {
    let unix_ms = |at: OffsetDateTime| at.unix_timestamp() * 1_000 + 999;
    let last = unix_ms(datetime!(2026-11-30 14:59:59 UTC));
    assert_eq!(segment_of(last), Some(segment(202611)));
    assert_eq!(segment_of(last + 1), Some(segment(202612)));
    assert_eq!(segment(202611).end_unix_s(), (last + 1) / 1_000);
    assert_eq!(segment(202802).last_day(), date!(2028 - 02 - 29));
    for far in [i64::MIN, i64::MAX] {
        assert_eq!(segment_of(far), None);
    }
}

#[test]
fn a_segment_is_a_month_and_nothing_else() {
    for number in [202600, 202613, 0, 12, -202611, 2026, 20261101, i32::MIN, i32::MAX] {
        assert_eq!(Segment::try_from(number), Err(InvalidSegment), "{number}");
    }
    assert_eq!(segment(202611).to_string(), "202611");
    assert!(segment(202612) < segment(202701));
}

#[test]
fn the_shipped_rules_parse_and_cover_every_class() {
    let text = include_str!("../data/retention.csv");
    assert_eq!(RetentionRules::parse(text), Ok(RetentionRules::shipped()));
    assert_eq!(RetentionRules::shipped().rules.len(), text.lines().count() - 1);
    let today = date!(2026 - 11 - 20);
    let years = CLASSES.map(|class| RetentionRules::shipped().years(class, today, today));
    assert_eq!(years, [Some(5), Some(7), Some(5)]);
}

#[test]
fn the_longest_rule_in_force_since_the_record_was_made_wins() {
    let rules = RetentionRules::parse(
        "class,years,valid_from,valid_until,source\n\
         provision,7,2015-10-05,2030-03-31,a\n\
         provision,10,2030-04-01,2032-03-31,b\n\
         provision,5,2032-04-01,,c\n\
         operation,99,2000-01-01,,d\n",
    )
    .unwrap();
    let years = |made_on, today| rules.years(RetentionClass::Provision, made_on, today);
    assert_eq!(years(date!(2026 - 11 - 20), date!(2030 - 03 - 31)), Some(7));
    assert_eq!(years(date!(2026 - 11 - 20), date!(2030 - 04 - 01)), Some(10), "made longer");
    assert_eq!(years(date!(2026 - 11 - 20), date!(2040 - 01 - 01)), Some(10), "never shorter");
    assert_eq!(years(date!(2032 - 03 - 31), date!(2040 - 01 - 01)), Some(10));
    assert_eq!(years(date!(2032 - 04 - 01), date!(2040 - 01 - 01)), Some(5));
    assert_eq!(years(date!(2015 - 10 - 04), date!(2015 - 10 - 04)), None, "no rule yet");
    // A clock set back does not lose the rule of the day itself.
    assert_eq!(years(date!(2030 - 04 - 01), date!(2026 - 01 - 01)), Some(10));
    let of_march =
        rules.segment_years(RetentionClass::Provision, segment(203203), date!(2045 - 01 - 01));
    assert_eq!(of_march, Some(10));
}

#[test]
fn one_unreadable_row_refuses_all_rules() {
    let with =
        |row: &str| format!("class,years,valid_from,valid_until\nprovision,7,2015-10-05,\n{row}\n");
    for row in [
        "provision,0,2015-10-05,",
        "provision,-7,2015-10-05,",
        "provision,7,2015-02-30,",
        "provision,7,,",
        "provision,7,2015-10-05,2015-10-04",
        "provisions,7,2015-10-05,",
        "provision,7",
    ] {
        let read = RetentionRules::parse(&with(row));
        assert_eq!(read, Err(InvalidRetentionRules { row: 2 }), "{row}");
    }
    let without_end = "class,years,valid_from\nprovision,7,2015-10-05\n";
    assert!(RetentionRules::parse(without_end).is_ok());
}
