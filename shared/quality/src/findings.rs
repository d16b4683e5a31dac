//! What does not fit together, without saying yet what was meant.

use domain::spelling::folded;
use domain::vaccination::{Status, Vaccination};
use time::Date;

use crate::doubt::Person;
use crate::kind::DoubtKind;
use crate::lot;
use crate::rules::{DEFAULT_KIND, Product, Rules};

/// Nobody was ever older.
const AGE_YEARS_MAX: i32 = 120;
/// In Japan a year of age is complete on the eve of the birthday.
const EVE_DAYS: i64 = 1;
/// A product may be named by the beginning of its name, this long at least.
const NAME_CHARS_MIN: usize = 3;

pub(crate) fn kind_of(dose: &Vaccination) -> &str {
    dose.vaccine_kind.as_deref().unwrap_or(DEFAULT_KIND)
}

/// Whether two rows say the same about a dose, whatever the spelling.
pub fn is_same(rules: &Rules, one: &Vaccination, other: &Vaccination) -> bool {
    let maker = |dose: &Vaccination| {
        rules.maker(&dose.maker).map_or_else(|| folded(&dose.maker), str::to_owned)
    };
    let product = |dose: &Vaccination| dose.product.as_deref().map(folded);
    let products = product(one).zip(product(other));
    kind_of(one) == kind_of(other)
        && (one.status, one.dose_number, one.date) == (other.status, other.dose_number, other.date)
        && folded(&one.lot) == folded(&other.lot)
        && maker(one) == maker(other)
        && products.is_none_or(|(one, other)| one == other)
}

/// Everything that does not fit; empty for an ordinary dose.
pub(crate) fn findings(
    rules: &Rules,
    dose: &Vaccination,
    person: &Person<'_>,
    today: Date,
) -> Vec<DoubtKind> {
    let mut found = alone(rules, dose, person, today);
    Beside { rules, dose, person, today }.compare(&mut found);
    found
}

/// What does not fit whatever the other doses are.
fn alone(rules: &Rules, dose: &Vaccination, person: &Person<'_>, today: Date) -> Vec<DoubtKind> {
    let mut found = Vec::new();
    if dose.status == Status::Done {
        against_the_calendar(rules, dose, person, &mut found);
        if dose.date > today {
            found.push(DoubtKind::FutureDate);
        }
        against_the_products(rules, dose, person.birth_date, &mut found);
    }
    found
}

fn against_the_calendar(
    rules: &Rules,
    dose: &Vaccination,
    person: &Person<'_>,
    found: &mut Vec<DoubtKind>,
) {
    let Person { birth_date, died_on, moved_out_on, .. } = *person;
    let campaign = rules.campaign(kind_of(dose));
    let is_outside = |from: Date, until: Option<Date>| {
        dose.date < from || until.is_some_and(|until| until < dose.date)
    };
    let facts = [
        (DoubtKind::BeforeBirth, dose.date < birth_date),
        (DoubtKind::AgeImplausible, dose.date.year() - birth_date.year() > AGE_YEARS_MAX),
        (DoubtKind::AfterDeath, died_on.is_some_and(|day| day < dose.date)),
        (DoubtKind::AfterMovingOut, moved_out_on.is_some_and(|day| day < dose.date)),
        (
            DoubtKind::BeforeCampaign,
            campaign.is_some_and(|row| is_outside(row.starts_on, row.ends_on)),
        ),
    ];
    found.extend(facts.into_iter().filter(|(_, holds)| *holds).map(|(kind, _)| kind));
}

/// What the tables say about maker, product, age and lot; nothing about a kind they don't know.
fn against_the_products(
    rules: &Rules,
    dose: &Vaccination,
    birth_date: Date,
    found: &mut Vec<DoubtKind>,
) {
    let kind = kind_of(dose);
    if rules.products(kind).next().is_none() {
        return;
    }
    let maker = rules.maker(&dose.maker);
    let maker = maker.filter(|maker| rules.products(kind).any(|row| row.maker == *maker));
    let named = dose.product.as_deref().map(|name| named(rules, kind, name));
    if maker.is_none() {
        found.push(DoubtKind::MakerUnknown);
    }
    if named.as_ref().is_some_and(Vec::is_empty) {
        found.push(DoubtKind::ProductUnknown);
    }
    let Some(maker) = maker else { return };
    let of_maker = || rules.products(kind).filter(|row| row.maker == maker);
    let candidates: Vec<&Product> = match named.filter(|named| !named.is_empty()) {
        Some(named) => named.into_iter().filter(|row| row.maker == maker).collect(),
        None => of_maker().collect(),
    };
    if candidates.is_empty() {
        found.push(DoubtKind::ProductOfOtherMaker);
    }
    let in_use: Vec<&Product> =
        candidates.iter().copied().filter(|row| row.is_used_on(dose.date)).collect();
    let is_about_the_day = found.contains(&DoubtKind::BeforeCampaign) || candidates.is_empty();
    if in_use.is_empty() && !is_about_the_day {
        found.push(DoubtKind::ProductNotInUse);
    }
    let is_about_birth =
        [DoubtKind::BeforeBirth, DoubtKind::AgeImplausible].iter().any(|one| found.contains(one));
    let age_days = (dose.date - birth_date).whole_days();
    if !in_use.is_empty() && !is_about_birth && !in_use.iter().any(|row| row.suits(age_days)) {
        found.push(DoubtKind::AgeOutsideProduct);
    }
    let of_maker: Vec<&Product> = of_maker().collect();
    found.extend(about_the_lot(rules, dose, &of_maker));
}

impl Product {
    fn suits(&self, age_days: i64) -> bool {
        self.age_days_min.is_none_or(|min| min <= age_days + EVE_DAYS)
            && self.age_days_max.is_none_or(|max| age_days <= max)
    }
}

/// The products that a name means, or begins.
fn named<'a>(rules: &'a Rules, kind: &str, name: &str) -> Vec<&'a Product> {
    if let Some(exact) = rules.product(kind, name) {
        return vec![exact];
    }
    let name = folded(name);
    let is_long = name.chars().count() >= NAME_CHARS_MIN;
    let begins = |row: &&Product| is_long && row.folded.starts_with(&name);
    let kind = kind.to_owned();
    rules.products.iter().filter(|row| row.kind == kind).filter(begins).collect()
}

fn about_the_lot(rules: &Rules, dose: &Vaccination, of_maker: &[&Product]) -> Option<DoubtKind> {
    let lot = folded(&dose.lot);
    let accepts = |row: &Product| {
        row.lots.is_empty() || row.lot_shapes().any(|shape| lot::has_shape(&lot, shape))
    };
    if of_maker.iter().any(|row| accepts(row)) {
        return None;
    }
    let is_known = |row: &Product| !row.lots.is_empty() && accepts(row);
    let is_of_other = rules.products(kind_of(dose)).any(is_known);
    Some(if is_of_other { DoubtKind::LotOfOtherMaker } else { DoubtKind::LotShape })
}

/// Doubts that say of a dose's day, without any other dose, that it can't be.
const ABOUT_THE_DAY: [DoubtKind; 8] = [
    DoubtKind::FutureDate,
    DoubtKind::BeforeBirth,
    DoubtKind::AgeImplausible,
    DoubtKind::AfterDeath,
    DoubtKind::AfterMovingOut,
    DoubtKind::BeforeCampaign,
    DoubtKind::ProductNotInUse,
    DoubtKind::AgeOutsideProduct,
];

/// A dose beside the person's others.
///
/// Where two rows of a file contradict each other, the one is asked about whose day can't be
/// anyway, or that contradicts more of the others; where nothing tells, or their days may have
/// changed places, both are.  What is registered is not asked about, so a row that contradicts it
/// always is.
struct Beside<'a> {
    rules: &'a Rules,
    dose: &'a Vaccination,
    person: &'a Person<'a>,
    today: Date,
}

impl<'a> Beside<'a> {
    fn compare(&self, found: &mut Vec<DoubtKind>) {
        let Self { rules, dose, person, .. } = *self;
        let number = dose.dose_number;
        let is_other = |other: &Vaccination| {
            is_alike(other, dose) && other.dose_number == number && !is_same(rules, other, dose)
        };
        if person.all().any(is_other) {
            found.push(DoubtKind::RegisteredDiffers);
        }
        if dose.status != Status::Done {
            return;
        }
        let numbers =
            || self.done().map(|other| other.dose_number).chain(person.unread.iter().copied());
        if numbers().any(|other| other < number)
            && !numbers().any(|other| Some(other) == number.checked_sub(1))
        {
            found.push(DoubtKind::NumberSkipped);
        }
        let registered = person.doses.iter().filter_map(|other| self.contradiction(dose, other));
        let of_file = person.beside.iter().filter_map(|other| {
            let kind = self.contradiction(dose, other)?;
            let is_told = self.weight(other) > self.weight(dose) && !self.may_be_exchanged(other);
            (!is_told).then_some(kind)
        });
        let kinds: Vec<DoubtKind> = registered.chain(of_file).collect();
        if kinds.contains(&DoubtKind::DoseOrder) {
            found.push(DoubtKind::DoseOrder);
            return;
        }
        for kind in [DoubtKind::IntervalTooShort, DoubtKind::IntervalTooLong] {
            found.extend(kinds.contains(&kind).then_some(kind));
        }
    }

    /// The doses that were given, of the same kind.
    fn done(&self) -> impl Iterator<Item = &'a Vaccination> {
        let dose = self.dose;
        self.person.all().filter(|other| other.status == Status::Done && is_alike(other, dose))
    }

    /// How much speaks against a dose's day.
    fn weight(&self, one: &Vaccination) -> usize {
        if !self.may_be(one) {
            return usize::MAX;
        }
        let others = self.done().filter(|other| self.may_be(other));
        others.filter(|other| self.contradiction(one, other).is_some()).count()
    }

    /// Whether everything fits if the other has this dose's day, and this one the other's.
    fn may_be_exchanged(&self, other: &Vaccination) -> bool {
        let here = Vaccination { date: other.date, ..self.dose.clone() };
        let there = Vaccination { date: self.dose.date, ..other.clone() };
        let mut rest = self.done().filter(|one| *one != self.dose && *one != other);
        self.may_be(&here)
            && self.may_be(&there)
            && self.contradiction(&here, &there).is_none()
            && rest.all(|one| {
                [&here, &there].iter().all(|moved| self.contradiction(moved, one).is_none())
            })
    }

    fn may_be(&self, one: &Vaccination) -> bool {
        let found = alone(self.rules, one, self.person, self.today);
        !found.iter().any(|kind| ABOUT_THE_DAY.contains(kind))
    }

    /// Why the days of two doses of the same kind don't go together.
    fn contradiction(&self, one: &Vaccination, other: &Vaccination) -> Option<DoubtKind> {
        let are_done = one.status == Status::Done && other.status == Status::Done;
        if !are_done || !is_alike(one, other) || one.dose_number == other.dose_number {
            return None;
        }
        let is_first = one.dose_number < other.dose_number;
        let (earlier, later) = if is_first { (one, other) } else { (other, one) };
        if earlier.date >= later.date {
            return Some(DoubtKind::DoseOrder);
        }
        let are_next = Some(earlier.dose_number) == later.dose_number.checked_sub(1);
        are_next.then(|| about_the_interval(self.rules, earlier, later)).flatten()
    }
}

fn is_alike(one: &Vaccination, other: &Vaccination) -> bool {
    kind_of(one) == kind_of(other)
}

fn about_the_interval(
    rules: &Rules,
    earlier: &Vaccination,
    later: &Vaccination,
) -> Option<DoubtKind> {
    let kind = kind_of(later);
    let product = later.product.as_deref().and_then(|name| rules.product(kind, name));
    let vaccine = (kind, rules.maker(&later.maker), product.map(|row| row.product.as_str()));
    let rule = rules.interval(vaccine, (later.dose_number, later.date))?;
    let days = (later.date - earlier.date).whole_days();
    if days < rule.days_min {
        return Some(DoubtKind::IntervalTooShort);
    }
    rule.days_max.is_some_and(|max| max < days).then_some(DoubtKind::IntervalTooLong)
}
