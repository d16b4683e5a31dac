//! Which records have been kept for as long as they must; nothing is erased here.

use std::collections::HashSet;

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::retention::{RetentionClass, RetentionRules, japanese_day, last_kept_day};
use domain::{MunicipalityCode, Permit};
use room::config::LongerRetention;
use room::{Host, Room};
use service::ApiError;
use time::Date;
use uuid::Uuid;
use wire::erasure::{DoseHandle, ErasureHold, ExpiringClass};

use crate::store;

/// So many doses, and so many doubtful rows, are proposed at once; what is left comes with the next
/// proposal.
const EXPIRED_MAX: usize = 10_000;

/// The law's periods and what the municipality has chosen beyond them.
#[derive(Clone, Debug)]
pub(crate) struct Retention {
    rules: RetentionRules,
    longer: Vec<LongerRetention>,
}

impl Retention {
    pub(crate) fn of(host: &Host, municipality: MunicipalityCode) -> Self {
        let longer = host.ending.longer.iter().filter(|own| own.municipality == municipality);
        Self { rules: RetentionRules::shipped(), longer: longer.cloned().collect() }
    }

    /// The last day on which a record must still be there; `None` if nobody knows.
    fn last_kept_day(&self, class: RetentionClass, made_on: Date, today: Date) -> Option<Date> {
        let lawful = self.rules.years(class, made_on, today)?;
        let chosen = self.longer.iter().filter(|own| own.class == class && own.valid_from <= today);
        let years = chosen.map(|own| own.years).fold(lawful, u32::max);
        last_kept_day(made_on, years)
    }

    pub(crate) fn is_over(&self, made_on: Date, today: Date) -> bool {
        let last = self.last_kept_day(RetentionClass::Vaccination, made_on, today);
        last.is_some_and(|last| last < today)
    }
}

/// What has been kept for long enough and nobody holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Over {
    pub doses: Vec<DoseHandle>,
    pub doubts: Vec<Uuid>,
}

impl Over {
    pub(crate) fn is_empty(&self) -> bool {
        self.doses.is_empty() && self.doubts.is_empty()
    }
}

pub(crate) async fn expired(host: &Host, room: &Room, permit: &Permit) -> Result<Over, ApiError> {
    let retention = Retention::of(host, room.municipality);
    let read = move |tx: &mut Tx, permit: &Permit| doubts_over(tx, permit, &retention);
    let doubts = host.read("erasure.doubts", permit, read).await?;
    Ok(Over { doses: doses_over(host, room, permit).await?, doubts })
}

/// The doses whose time is over and which nobody holds.
async fn doses_over(
    host: &Host,
    room: &Room,
    permit: &Permit,
) -> Result<Vec<DoseHandle>, ApiError> {
    let retention = Retention::of(host, room.municipality);
    let mut found = Vec::new();
    let mut after = None;
    while found.len() < EXPIRED_MAX {
        let (keys, retention) = (room.keys()?, retention.clone());
        let read = move |tx: &mut Tx, permit: &Permit| page(tx, (&keys, permit), &retention, after);
        let (doses, last) = host.read("erasure.expired", permit, read).await?;
        found.extend(doses);
        let Some(last) = last else { break };
        after = Some(last);
    }
    found.truncate(EXPIRED_MAX);
    Ok(found)
}

fn page(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    retention: &Retention,
    after: Option<Uuid>,
) -> Result<(Vec<DoseHandle>, Option<Uuid>), ApiError> {
    let holds = store::hold::list(tx, permit)?;
    if is_class_held(&holds, ExpiringClass::Vaccination) {
        return Ok((Vec::new(), None));
    }
    let held: HashSet<Uuid> = holds.iter().filter_map(|hold| hold.subject).collect();
    let persons = store::expired::persons(tx, permit, after)?;
    let mut found = Vec::new();
    for subject in persons.iter().copied().filter(|subject| !held.contains(subject)) {
        found.extend(over(tx, (keys, permit), retention, subject)?);
    }
    Ok((found, persons.last().copied()))
}

/// A person's doses whose time is over today.
pub(crate) fn over(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    retention: &Retention,
    subject: Uuid,
) -> Result<Vec<DoseHandle>, ApiError> {
    let today = day_in_japan(permit.context().at);
    let doses = store::expired::doses(tx, (keys, permit), subject)?;
    let over = doses.into_iter().filter(|(_, day)| retention.is_over(*day, today));
    Ok(over.map(|(dose, _)| dose).collect())
}

/// Doubtful rows are kept as long as doses, from the day on which they were decided on.
pub(crate) fn doubts_over(
    tx: &mut Tx,
    permit: &Permit,
    retention: &Retention,
) -> Result<Vec<Uuid>, ApiError> {
    if is_class_held(&store::hold::list(tx, permit)?, ExpiringClass::Vaccination) {
        return Ok(Vec::new());
    }
    let today = day_in_japan(permit.context().at);
    let doubts = store::expired::doubts(tx, permit, EXPIRED_MAX)?;
    let is_over = |at: i64| japanese_day(at).is_some_and(|day| retention.is_over(day, today));
    Ok(doubts.into_iter().filter(|(_, at)| is_over(*at)).map(|(id, _)| id).collect())
}

pub(crate) fn is_class_held(holds: &[ErasureHold], class: ExpiringClass) -> bool {
    holds.iter().any(|hold| hold.class == Some(class))
}

#[cfg(test)]
mod tests {
    use time::{Duration, Month};

    use super::*;

    /// A calendar of its own: counts days since 1970 from the length of each month.
    mod oracle {
        pub(super) fn is_leap(year: i32) -> bool {
            year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        }

        fn length(year: i32, month: i32) -> i32 {
            match month {
                2 if is_leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            }
        }

        /// The first day on which a record of this day may go: the period begins with the next day
        /// and is over when its last day is.
        pub(super) fn free_from(
            (year, month, day): (i32, i32, i32),
            years: i32,
        ) -> (i32, i32, i32) {
            let first = next((year, month, day));
            let (year, month, day) = (first.0 + years, first.1, first.2);
            if day <= length(year, month) { (year, month, day) } else { next((year, month, 28)) }
        }

        pub(super) fn next((year, month, day): (i32, i32, i32)) -> (i32, i32, i32) {
            match (day < length(year, month), month) {
                (true, _) => (year, month, day + 1),
                (false, 12) => (year + 1, 1, 1),
                (false, _) => (year, month + 1, 1),
            }
        }
    }

    fn parts(day: Date) -> (i32, i32, i32) {
        (day.year(), i32::from(u8::from(day.month())), i32::from(day.day()))
    }

    fn retention(longer: Vec<LongerRetention>) -> Retention {
        Retention { rules: RetentionRules::shipped(), longer }
    }

    #[test]
    fn ten_years_of_doses_end_on_the_days_another_calendar_says() {
        let retention = retention(Vec::new());
        let first = Date::from_calendar_date(2019, Month::January, 1).unwrap();
        let mut leap_days = 0;
        for offset in 0..3_653 {
            let day = first + Duration::days(offset);
            let free = oracle::free_from(parts(day), 5);
            let month = Month::try_from(u8::try_from(free.1).unwrap()).unwrap();
            let free = Date::from_calendar_date(free.0, month, u8::try_from(free.2).unwrap());
            let free = free.unwrap();
            assert!(!retention.is_over(day, free.previous_day().unwrap()), "{day} too early");
            assert!(retention.is_over(day, free), "{day} too late, want {free}");
            leap_days += u32::from(day.month() == Month::February && day.day() == 29);
        }
        assert_eq!(leap_days, 3);
    }

    #[test]
    fn a_municipality_keeps_for_longer_but_never_for_less() {
        let day = Date::from_calendar_date(2021, Month::June, 1).unwrap();
        let at = |year| Date::from_calendar_date(year, Month::June, 2).unwrap();
        let choice = |years, from| LongerRetention {
            municipality: MunicipalityCode::parse("131211").unwrap(),
            class: RetentionClass::Vaccination,
            years,
            valid_from: at(from),
        };
        assert!(retention(vec![]).is_over(day, at(2026)));
        assert!(!retention(vec![choice(10, 2024)]).is_over(day, at(2030)));
        assert!(retention(vec![choice(10, 2024)]).is_over(day, at(2031)));
        assert!(retention(vec![choice(10, 2028)]).is_over(day, at(2026)));
        assert!(!retention(vec![choice(1, 2020)]).is_over(day, at(2025)));
    }
}
