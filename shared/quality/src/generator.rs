//! Made-up lives for tests and benches: persons, their vouchers and doses as they should be, and
//! the same with slips as people and machines make them.
//!
//! The same seed makes the same lives.  Whatever the tables ship is used: makers and products in
//! their time and for their ages, lots of their shapes, intervals no shorter than the rules say.

use domain::subject::Sex;
use domain::vaccination::{Status, Vaccination};
use domain::voucher::VoucherNumber;
use time::{Date, Duration};

use crate::rules::{DEFAULT_KIND, Product, Rules};

/// Numbers that look random and are the same for the same seed.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end.max(1)
    }

    /// True in `percent` of a hundred cases.
    pub fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn one_of<'a, T>(&mut self, some: &'a [T]) -> Option<&'a T> {
        let place = self.below(u64::try_from(some.len()).unwrap_or(1));
        some.get(usize::try_from(place).unwrap_or(0))
    }

    pub fn days(&mut self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to - from + 1).unwrap_or(1);
        from + i64::try_from(self.below(span)).unwrap_or(0)
    }
}

/// One person with everything that was issued and given.
#[derive(Clone, Debug)]
pub struct Life {
    /// Counts from 0; numbers of any kind can be made of it.
    pub serial: u32,
    pub name: String,
    pub name_kana: String,
    pub birth_date: Date,
    pub sex: Sex,
    pub moved_out_on: Option<Date>,
    pub died_on: Option<Date>,
    /// One voucher for each dose that was offered: its number and the dose it is for.
    pub vouchers: Vec<(VoucherNumber, u16)>,
    /// In order; the dose with number n was given for the voucher for dose n.
    pub doses: Vec<Vaccination>,
}

const FAMILIES: [(&str, &str); 12] = [
    ("佐藤", "サトウ"),
    ("鈴木", "スズキ"),
    ("高橋", "タカハシ"),
    ("田中", "タナカ"),
    ("渡辺", "ワタナベ"),
    ("伊藤", "イトウ"),
    ("山本", "ヤマモト"),
    ("中村", "ナカムラ"),
    ("小林", "コバヤシ"),
    ("加藤", "カトウ"),
    ("服部", "ハットリ"),
    ("京極", "キョウゴク"),
];
const SYLLABLES: [&str; 16] = [
    "ア",
    "カ",
    "サ",
    "タ",
    "ナ",
    "ハ",
    "マ",
    "ヤ",
    "リ",
    "ミ",
    "シ",
    "チ",
    "ユウ",
    "ケン",
    "ショウ",
    "コ",
];
const AGE_DAYS_MAX: i64 = 36_000;
/// Vouchers are numbered in steps, so that most slips meet a number that nobody has.
const VOUCHER_STEP: u64 = 7;
/// Doses that are offered; many persons take fewer.
const DOSES_MAX: u16 = 6;

/// Lives without any error, as they were on `today`.
#[derive(Clone, Debug)]
pub struct Lives<'a> {
    rules: &'a Rules,
    chance: Chance,
    today: Date,
    next: u32,
}

impl<'a> Lives<'a> {
    pub fn new(rules: &'a Rules, seed: u64, today: Date) -> Self {
        Self { rules, chance: Chance::new(seed), today, next: 0 }
    }
}

impl Iterator for Lives<'_> {
    type Item = Life;

    fn next(&mut self) -> Option<Life> {
        let serial = self.next;
        self.next = self.next.checked_add(1)?;
        let mut life = self.person(serial);
        let offered = 1 + self.chance.below(u64::from(DOSES_MAX));
        let offered = u16::try_from(offered).unwrap_or(DOSES_MAX);
        life.vouchers =
            (1..=offered).filter_map(|dose| Some((voucher(serial, dose)?, dose))).collect();
        self.vaccinate(&mut life, offered);
        self.end(&mut life);
        Some(life)
    }
}

impl Lives<'_> {
    fn person(&mut self, serial: u32) -> Life {
        let chance = &mut self.chance;
        let (name, kana) = chance.one_of(&FAMILIES).copied().unwrap_or(("試験", "シケン"));
        let mut given = String::new();
        for _ in 0..2 + chance.below(2) {
            given.push_str(chance.one_of(&SYLLABLES).copied().unwrap_or_default());
        }
        let age = Duration::days(chance.days(400, AGE_DAYS_MAX));
        Life {
            serial,
            name: format!("{name}　{given}"),
            name_kana: format!("{kana}　{given}"),
            birth_date: self.today.checked_sub(age).unwrap_or(self.today),
            sex: if chance.is(50) { Sex::Male } else { Sex::Female },
            moved_out_on: None,
            died_on: None,
            vouchers: Vec::new(),
            doses: Vec::new(),
        }
    }

    /// Gives some of the doses offered, each of a product that is in use on its day for the age.
    fn vaccinate(&mut self, life: &mut Life, offered: u16) {
        let starts_on = self.rules.campaign(DEFAULT_KIND).map_or(self.today, |row| row.starts_on);
        let mut day = starts_on.max(life.birth_date) + Duration::days(self.chance.days(0, 500));
        // Some moved in with their first doses given elsewhere, which are not in the register.
        let first = if self.chance.is(6) && offered > 2 { 2 } else { 1 };
        let mut favourite: Option<String> = None;
        for number in first..=offered {
            if self.chance.is(12) {
                return;
            }
            let Some(dose) = self.dose(life, (number, &mut day), &mut favourite) else { return };
            life.doses.push(dose);
        }
    }

    fn dose(
        &mut self,
        life: &Life,
        (number, day): (u16, &mut Date),
        favourite: &mut Option<String>,
    ) -> Option<Vaccination> {
        let rules = self.rules;
        // Tries later days until some product is in use for this age and far enough from the last.
        for _ in 0..400 {
            if *day > self.today {
                return None;
            }
            let age = (*day - life.birth_date).whole_days();
            let fits = |row: &&Product| {
                row.is_used_on(*day)
                    && row.age_days_min.is_none_or(|min| min <= age)
                    && row.age_days_max.is_none_or(|max| age <= max)
            };
            let mut products: Vec<&Product> = rules.products(DEFAULT_KIND).filter(fits).collect();
            if number == 2
                && let Some(first) = life.doses.first()
            {
                products.retain(|row| row.maker == first.maker);
            }
            let kept: Vec<&Product> = products
                .iter()
                .copied()
                .filter(|row| Some(&row.maker) == favourite.as_ref())
                .collect();
            let among = if kept.is_empty() || self.chance.is(30) { &products } else { &kept };
            let Some(product) = self.chance.one_of(among).copied() else {
                *day += Duration::days(30);
                continue;
            };
            let vaccine =
                (DEFAULT_KIND, Some(product.maker.as_str()), Some(product.product.as_str()));
            let rule = rules.interval(vaccine, (number, *day));
            let last = life.doses.last().map(|dose| dose.date);
            let wait =
                rule.zip(last).map_or(0, |(rule, last)| rule.days_min - (*day - last).whole_days());
            if wait > 0 {
                *day += Duration::days(wait);
                continue;
            }
            let dose = self.given(product, number, *day);
            *favourite = Some(product.maker.clone());
            let until_next = if number == 1 { (20, 45) } else { (90, 320) };
            *day += Duration::days(self.chance.days(until_next.0, until_next.1));
            return Some(dose);
        }
        None
    }

    fn given(&mut self, product: &Product, dose_number: u16, date: Date) -> Vaccination {
        let shapes: Vec<&str> = product.lot_shapes().collect();
        let shape = self.chance.one_of(&shapes).copied().unwrap_or("AAA9999");
        let lot = lot(&mut self.chance, shape);
        let spellings: Vec<String> = self
            .rules
            .spellings(DEFAULT_KIND)
            .filter(|(_, maker)| *maker == product.maker)
            .map(|(spelling, _)| spelling.to_owned())
            .collect();
        let other = self.chance.is(10).then(|| self.chance.one_of(&spellings).cloned()).flatten();
        Vaccination {
            status: Status::Done,
            dose_number,
            date,
            maker: other.unwrap_or_else(|| product.maker.clone()),
            lot: if self.chance.is(5) { lot.to_lowercase() } else { lot },
            product: self.chance.is(60).then(|| product.product.clone()),
            vaccine_kind: None,
            venue: self.chance.is(50).then(|| "市民会館".to_owned()),
        }
    }

    /// Some have moved out or died since.
    fn end(&mut self, life: &mut Life) {
        let last = life.doses.last().map_or(life.birth_date, |dose| dose.date);
        let left = (self.today - last).whole_days();
        let day = last + Duration::days(self.chance.days(0, left.max(0)));
        match self.chance.below(100) {
            0..5 => life.moved_out_on = Some(day),
            5..8 => life.died_on = Some(day),
            _ => {}
        }
    }
}

/// The number of a person's voucher for a dose; no two are the same.
pub fn voucher(serial: u32, dose: u16) -> Option<VoucherNumber> {
    let number = (u64::from(serial) * u64::from(DOSES_MAX) + u64::from(dose)) * VOUCHER_STEP;
    VoucherNumber::parse(&format!("{number:010}")).ok()
}

/// Whose voucher a number is, and for which dose.
pub fn issued(number: &VoucherNumber) -> Option<(u32, u16)> {
    let number: u64 = number.reveal().parse().ok()?;
    let place =
        number.is_multiple_of(VOUCHER_STEP).then_some(number / VOUCHER_STEP)?.checked_sub(1)?;
    let serial = u32::try_from(place / u64::from(DOSES_MAX)).ok()?;
    Some((serial, u16::try_from(place % u64::from(DOSES_MAX)).ok()? + 1))
}

/// A lot of a shape.
pub fn lot(chance: &mut Chance, shape: &str) -> String {
    let letter =
        |chance: &mut Chance| char::from(b'A' + u8::try_from(chance.below(26)).unwrap_or(0));
    let digit =
        |chance: &mut Chance| char::from(b'0' + u8::try_from(chance.below(10)).unwrap_or(0));
    shape.chars().map(|place| if place == 'A' { letter(chance) } else { digit(chance) }).collect()
}
