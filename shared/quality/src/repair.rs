//! What was most likely meant: one slip is taken back at a time, and only an answer that leaves no
//! doubt at all, and is the only such answer, is worth a person's time.

use domain::spelling::folded;
use domain::vaccination::Vaccination;
use time::{Date, Month};

use crate::distance::distance;
use crate::doubt::Person;
use crate::findings::{findings, kind_of};
use crate::kind::DoubtKind;
use crate::lot;
use crate::rules::Rules;
use crate::voucher::VoucherState;

/// Spellings further apart than this are different words.
const DISTANCE_MAX: usize = 2;

/// Two dates so near are those of a first and a second dose, whose days are easily exchanged.
const PAIR_DAYS_MAX: i64 = 60;

/// Doubts that a wrong date explains.  That two doses are too near says that something is wrong,
/// but not that the year is.
const ABOUT_DATES: [DoubtKind; 4] = [
    DoubtKind::FutureDate,
    DoubtKind::BeforeCampaign,
    DoubtKind::ProductNotInUse,
    DoubtKind::DoseOrder,
];

/// Doubts that a mistaken person explains as well.
const ABOUT_LIFE: [DoubtKind; 4] = [
    DoubtKind::BeforeBirth,
    DoubtKind::AgeImplausible,
    DoubtKind::AfterDeath,
    DoubtKind::AfterMovingOut,
];

/// The dose without its one slip.
pub(crate) fn likely_dose(
    rules: &Rules,
    (dose, found): (&Vaccination, &[DoubtKind]),
    person: &Person<'_>,
    (voucher, today): (&VoucherState, Date),
) -> Option<Vaccination> {
    let fits_voucher = |one: &Vaccination| match voucher {
        VoucherState::IssuedToPerson { doses } => doses.contains(&one.dose_number),
        _ => true,
    };
    // With the slip taken back, the row as it was given is not there any more; and an answer that
    // only fits if another row is wrong is none.
    let is_another = |one: &&Vaccination| *one != dose;
    let others: Vec<_> = person.all().filter(is_another).cloned().collect();
    let person = &Person { doses: &others, beside: &[], ..*person };
    let is_clean =
        |one: &Vaccination, person: &Person<'_>| findings(rules, one, person, today).is_empty();
    let swapped = fits_voucher(dose).then(|| swapped(dose, person, is_clean)).flatten();
    if let Some((here, days)) = &swapped
        && *days <= PAIR_DAYS_MAX
    {
        return Some(here.clone());
    }
    let mut clean: Vec<Vaccination> = swapped.into_iter().map(|(here, _)| here).collect();
    for candidate in candidates(rules, (dose, found), person, voucher) {
        let is_new = candidate != *dose && !clean.contains(&candidate);
        if is_new && fits_voucher(&candidate) && is_clean(&candidate, person) {
            clean.push(candidate);
        }
    }
    let mut clean = clean.into_iter();
    let first = clean.next()?;
    clean.next().is_none().then_some(first)
}

/// Two doses whose days changed places: with the days put back, neither is doubtful.  Also says how
/// far apart the days are.
fn swapped(
    dose: &Vaccination,
    person: &Person<'_>,
    is_clean: impl Fn(&Vaccination, &Person<'_>) -> bool,
) -> Option<(Vaccination, i64)> {
    let is_neighbour = |other: &&Vaccination| {
        kind_of(other) == kind_of(dose) && other.dose_number.abs_diff(dose.dose_number) == 1
    };
    person.doses.iter().filter(is_neighbour).find_map(|other| {
        let is_crossed = (other.dose_number < dose.dose_number) == (other.date > dose.date);
        if !is_crossed || other.date == dose.date {
            return None;
        }
        let here = Vaccination { date: other.date, ..dose.clone() };
        let there = Vaccination { date: dose.date, ..other.clone() };
        let rest: Vec<_> = person.doses.iter().filter(|one| *one != other).cloned().collect();
        let with = |one: &Vaccination| [rest.as_slice(), std::slice::from_ref(one)].concat();
        let fits = |one: &Vaccination, other: &Vaccination| {
            is_clean(one, &Person { doses: &with(other), ..*person })
        };
        let fit = fits(&here, &there) && fits(&there, &here);
        fit.then(|| (here, (dose.date - other.date).whole_days().abs()))
    })
}

fn candidates(
    rules: &Rules,
    (dose, found): (&Vaccination, &[DoubtKind]),
    person: &Person<'_>,
    voucher: &VoucherState,
) -> Vec<Vaccination> {
    let kind = kind_of(dose);
    let is_about_life = |one: &DoubtKind| ABOUT_LIFE.contains(one);
    let is_about_dates =
        found.iter().any(|one| ABOUT_DATES.contains(one)) && !found.iter().any(is_about_life);
    let dates = slipped_dates(dose.date).into_iter().filter(|_| is_about_dates);
    let dates = dates.map(|date| Vaccination { date, ..dose.clone() });
    let numbers = slipped_numbers(dose, person, voucher).into_iter();
    let numbers = numbers.map(|dose_number| Vaccination { dose_number, ..dose.clone() });
    let makers = slipped_makers(rules, dose, kind).into_iter();
    let makers = makers.map(|maker| Vaccination { maker, ..dose.clone() });
    let products = slipped_products(rules, dose, kind).into_iter();
    let products = products.map(|name| Vaccination { product: Some(name), ..dose.clone() });
    let lots = slipped_lots(rules, dose, kind).into_iter();
    let lots = lots.map(|lot| Vaccination { lot, ..dose.clone() });
    dates.chain(numbers).chain(makers).chain(products).chain(lots).collect()
}

/// The year beside it (January is a month of wrong years), or day and month changed over.
fn slipped_dates(date: Date) -> Vec<Date> {
    let year = |year| date.replace_year(year).ok();
    let months = Month::try_from(date.day()).ok();
    let over = months.and_then(|month| {
        Date::from_calendar_date(date.year(), month, u8::from(date.month())).ok()
    });
    [year(date.year() - 1), year(date.year() + 1), over].into_iter().flatten().collect()
}

/// The number on the voucher, or the first that is free below or above.
fn slipped_numbers(dose: &Vaccination, person: &Person<'_>, voucher: &VoucherState) -> Vec<u16> {
    let alike = || person.doses.iter().filter(|other| kind_of(other) == kind_of(dose));
    let is_taken = |number: u16| {
        person.unread.contains(&number) || alike().any(|other| other.dose_number == number)
    };
    let above = (dose.dose_number.saturating_add(1)..u16::MAX).find(|one| !is_taken(*one));
    let lower = alike().map(|other| other.dose_number).filter(|one| *one < dose.dose_number).max();
    let below = lower.map_or(dose.dose_number.saturating_sub(1), |lower| lower.saturating_add(1));
    let below = (below > 0 && below != dose.dose_number && !is_taken(below)).then_some(below);
    let printed = match voucher {
        VoucherState::IssuedToPerson { doses } => doses.as_slice(),
        _ => &[],
    };
    printed.iter().copied().chain(below).chain(above).collect()
}

/// Makers of a like spelling, and makers of such a lot.
fn slipped_makers(rules: &Rules, dose: &Vaccination, kind: &str) -> Vec<String> {
    let given = folded(&dose.maker);
    let lot = folded(&dose.lot);
    let alike = rules.spellings(kind).filter(|(spelling, _)| is_alike(&given, spelling));
    let mut makers: Vec<&str> = alike.map(|(_, maker)| maker).collect();
    // A product alone may be the slip itself; together with the lot it is not.
    let has_lot = |shape: &str| lot::has_shape(&lot, shape);
    let of_lot = rules.products(kind).filter(|row| row.lot_shapes().any(has_lot));
    makers.extend(of_lot.map(|row| row.maker.as_str()));
    makers.into_iter().map(str::to_owned).collect()
}

fn slipped_products(rules: &Rules, dose: &Vaccination, kind: &str) -> Vec<String> {
    let Some(given) = dose.product.as_deref().map(folded) else { return Vec::new() };
    let alike = rules.products(kind).filter(|row| is_alike(&given, &row.folded));
    alike.map(|row| row.product.clone()).collect()
}

fn slipped_lots(rules: &Rules, dose: &Vaccination, kind: &str) -> Vec<String> {
    let lot = folded(&dose.lot);
    let maker = rules.maker(&dose.maker);
    let rows = rules.products(kind).filter(|row| maker == Some(row.maker.as_str()));
    rows.flat_map(|row| row.lot_shapes()).filter_map(|shape| lot::nearest(&lot, shape)).collect()
}

/// One word is the other with a slip or two; short words must not turn into others.
fn is_alike(one: &str, other: &str) -> bool {
    let length = one.chars().count().min(other.chars().count());
    distance(one, other, DISTANCE_MAX.min(length / 3)).is_some()
}
