//! How long each class of records is kept, as dated rows; days are counted in Japan's calendar.

use serde::Deserialize;
use time::{Date, Month};

use crate::municipalities::rows;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetentionClass {
    Vaccination,
    Provision,
    Operation,
}

#[derive(Clone, Debug, Deserialize)]
struct Row {
    class: RetentionClass,
    years: i32,
    valid_from: Date,
}

/// The last day on which a record made on `made_on` must still be there.
///
/// A record of 29 February is kept until 28 February of a common year: periods end with the day
/// before the corresponding day, and where that day is missing, with the month's last day.
pub fn kept_until(class: RetentionClass, made_on: Date) -> Option<Date> {
    let years = rows(include_str!("../data/retention.csv"))
        .filter(|row: &Row| row.class == class && row.valid_from <= made_on)
        .max_by_key(|row| row.valid_from)?
        .years;
    let year = made_on.year().checked_add(years)?;
    match Date::from_calendar_date(year, made_on.month(), made_on.day()) {
        Ok(corresponding) => corresponding.previous_day(),
        Err(_) => Date::from_calendar_date(year, Month::February, 28).ok(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn provision_records_are_kept_seven_years() {
        let until = kept_until(RetentionClass::Provision, date!(2026 - 11 - 20));
        assert_eq!(until, Some(date!(2033 - 11 - 19)));
    }

    #[test]
    fn a_leap_day_ends_with_february() {
        let until = kept_until(RetentionClass::Vaccination, date!(2024 - 02 - 29));
        assert_eq!(until, Some(date!(2029 - 02 - 28)));
        let until = kept_until(RetentionClass::Provision, date!(2021 - 03 - 01));
        assert_eq!(until, Some(date!(2028 - 02 - 29)));
    }

    #[test]
    fn every_class_has_a_row() {
        let today = date!(2026 - 11 - 20);
        for class in
            [RetentionClass::Vaccination, RetentionClass::Provision, RetentionClass::Operation]
        {
            assert!(kept_until(class, today).is_some());
        }
    }
}
