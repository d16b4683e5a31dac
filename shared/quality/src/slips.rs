//! Errors as people and machines make them, planted into a made-up life.

use domain::MunicipalityCode;
use domain::vaccination::{Status, Vaccination};
use domain::voucher::VoucherNumber;
use time::{Date, Duration, Month};

use crate::findings::kind_of;
use crate::generator::{Chance, Life, lot, voucher};
use crate::rules::{Product, Rules};
use crate::voucher::neighbours;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slip {
    VoucherMisread,
    VoucherTransposed,
    VoucherMisreadNobodyNamed,
    VoucherOfOther,
    VoucherOfMunicipality,
    FutureDate,
    YearBeside,
    DayAndMonth,
    BirthDateGiven,
    AfterDeath,
    AfterMovingOut,
    DatesSwapped,
    IntervalShort,
    IntervalLong,
    NumberWrong,
    NumberWrongNoVoucher,
    DoseGivenTwice,
    MakerMisspelt,
    MakerWrong,
    ProductOfOtherMaker,
    ProductForOtherAge,
    LotLookAlike,
    LotCut,
    DayBeside,
    LotDigit,
}

impl Slip {
    pub const ALL: [Self; 25] = [
        Self::VoucherMisread,
        Self::VoucherTransposed,
        Self::VoucherMisreadNobodyNamed,
        Self::VoucherOfOther,
        Self::VoucherOfMunicipality,
        Self::FutureDate,
        Self::YearBeside,
        Self::DayAndMonth,
        Self::BirthDateGiven,
        Self::AfterDeath,
        Self::AfterMovingOut,
        Self::DatesSwapped,
        Self::IntervalShort,
        Self::IntervalLong,
        Self::NumberWrong,
        Self::NumberWrongNoVoucher,
        Self::DoseGivenTwice,
        Self::MakerMisspelt,
        Self::MakerWrong,
        Self::ProductOfOtherMaker,
        Self::ProductForOtherAge,
        Self::LotLookAlike,
        Self::LotCut,
        Self::DayBeside,
        Self::LotDigit,
    ];

    /// What went wrong, for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::VoucherMisread => "voucher: one digit misread",
            Self::VoucherTransposed => "voucher: two digits transposed",
            Self::VoucherMisreadNobodyNamed => "voucher: one digit misread, row names nobody else",
            Self::VoucherOfOther => "voucher of another person",
            Self::VoucherOfMunicipality => "voucher of another municipality",
            Self::FutureDate => "date in the future",
            Self::YearBeside => "year off by one",
            Self::DayAndMonth => "day and month exchanged",
            Self::BirthDateGiven => "birth date given as date of the dose",
            Self::AfterDeath => "date after death",
            Self::AfterMovingOut => "date after moving out",
            Self::DatesSwapped => "dates of two doses exchanged",
            Self::IntervalShort => "interval shorter than the rule",
            Self::IntervalLong => "interval longer than the rule (rotavirus)",
            Self::NumberWrong => "wrong dose number",
            Self::NumberWrongNoVoucher => "wrong dose number, no voucher given",
            Self::DoseGivenTwice => "same dose number with other content",
            Self::MakerMisspelt => "maker misspelt",
            Self::MakerWrong => "another maker",
            Self::ProductOfOtherMaker => "product of another maker",
            Self::ProductForOtherAge => "product for another age",
            Self::LotLookAlike => "lot: letter and digit that look alike",
            Self::LotCut => "lot: character left out",
            Self::DayBeside => "date off by one to three days",
            Self::LotDigit => "lot: one digit misread",
        }
    }
}

/// A life's rows with one slip in one of them.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The row as it was handed in.
    pub dose: Vaccination,
    pub voucher: Option<Given>,
    /// The dose as it was given in truth.
    pub truth: Vaccination,
    /// All doses of the person as they were handed in.
    pub doses: Vec<Vaccination>,
}

/// The voucher as it was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    Own(VoucherNumber),
    OtherMunicipality(MunicipalityCode),
}

/// Lets one slip happen in this life; `None` if it can't happen here.
pub fn plant(
    rules: &Rules,
    life: &Life,
    slip: Slip,
    (chance, today): (&mut Chance, Date),
) -> Option<Planted> {
    let life = if slip == Slip::IntervalLong { &infant(life) } else { life };
    let truth = chance.one_of(&life.doses)?.clone();
    let mut planted = Planted {
        dose: truth.clone(),
        voucher: own_voucher(life, truth.dose_number).map(Given::Own),
        truth: truth.clone(),
        doses: life.doses.clone(),
    };
    match slip {
        Slip::VoucherMisread
        | Slip::VoucherTransposed
        | Slip::VoucherMisreadNobodyNamed
        | Slip::VoucherOfOther
        | Slip::VoucherOfMunicipality => {
            planted.voucher = Some(wrong_voucher(life, &truth, slip, chance)?);
        }
        Slip::DatesSwapped => {
            let other = life.doses.iter().find(|one| one.dose_number == truth.dose_number + 1)?;
            planted.dose.date = other.date;
            let back = |one: &mut Vaccination| {
                if one.dose_number == other.dose_number {
                    one.date = truth.date;
                }
            };
            planted.doses.iter_mut().for_each(back);
        }
        Slip::NumberWrong | Slip::NumberWrongNoVoucher => {
            let more = truth.dose_number == 1 || chance.is(50);
            planted.dose.dose_number =
                if more { truth.dose_number + 1 } else { truth.dose_number - 1 };
            if slip == Slip::NumberWrongNoVoucher {
                planted.voucher = None;
            }
        }
        Slip::DoseGivenTwice => {
            planted.dose.date = truth.date.checked_add(Duration::days(chance.days(1, 9)))?;
            planted.doses.push(planted.dose.clone());
            return Some(planted);
        }
        _ => planted.dose = wrong_dose(rules, life, (slip, &truth), (chance, today))?,
    }
    let place = planted.doses.iter().position(|one| one.dose_number == truth.dose_number)?;
    *planted.doses.get_mut(place)? = planted.dose.clone();
    let is_changed = planted.dose != truth
        || planted.voucher != own_voucher(life, truth.dose_number).map(Given::Own);
    is_changed.then_some(planted)
}

fn own_voucher(life: &Life, dose: u16) -> Option<VoucherNumber> {
    life.vouchers.iter().find(|(_, of)| *of == dose).map(|(number, _)| number.clone())
}

fn wrong_voucher(
    life: &Life,
    truth: &Vaccination,
    slip: Slip,
    chance: &mut Chance,
) -> Option<Given> {
    let own = own_voucher(life, truth.dose_number)?;
    Some(match slip {
        Slip::VoucherOfOther => {
            let other = u32::try_from(chance.below(290_000)).ok()?;
            let other = if other == life.serial { other + 1 } else { other };
            Given::Own(voucher(other, truth.dose_number)?)
        }
        Slip::VoucherOfMunicipality => {
            Given::OtherMunicipality(MunicipalityCode::parse("072036").ok()?)
        }
        Slip::VoucherTransposed => {
            let swapped: Vec<_> = neighbours(&own).skip(90).collect();
            Given::Own(chance.one_of(&swapped)?.clone())
        }
        _ => {
            let misread: Vec<_> = neighbours(&own).take(90).collect();
            Given::Own(chance.one_of(&misread)?.clone())
        }
    })
}

fn wrong_dose(
    rules: &Rules,
    life: &Life,
    (slip, truth): (Slip, &Vaccination),
    (chance, today): (&mut Chance, Date),
) -> Option<Vaccination> {
    let dated = |date| Some(Vaccination { date, ..truth.clone() });
    let after = |day: Date, days| day.checked_add(Duration::days(days));
    match slip {
        Slip::FutureDate => dated(after(today, chance.days(1, 400))?),
        Slip::YearBeside => {
            let step = if chance.is(50) { 1 } else { -1 };
            dated(truth.date.replace_year(truth.date.year() + step).ok()?)
        }
        Slip::DayAndMonth => {
            let month = Month::try_from(truth.date.day()).ok()?;
            let day = u8::from(truth.date.month());
            dated(Date::from_calendar_date(truth.date.year(), month, day).ok()?)
        }
        Slip::BirthDateGiven => dated(life.birth_date),
        Slip::AfterDeath => dated(after(life.died_on?, chance.days(1, 60))?),
        Slip::AfterMovingOut => dated(after(life.moved_out_on?, chance.days(1, 60))?),
        Slip::IntervalShort => {
            let before = life.doses.iter().find(|one| one.dose_number + 1 == truth.dose_number)?;
            dated(after(before.date, chance.days(1, 15))?)
        }
        Slip::IntervalLong => {
            let first = life.doses.first()?;
            let is_second = truth.dose_number == 2;
            is_second.then_some(())?;
            dated(after(first.date, chance.days(127, 400))?)
        }
        Slip::DayBeside => {
            let days = chance.days(1, 3) * if chance.is(50) { 1 } else { -1 };
            dated(after(truth.date, days)?)
        }
        _ => wrong_vaccine(rules, (slip, truth), chance),
    }
}

fn wrong_vaccine(
    rules: &Rules,
    (slip, truth): (Slip, &Vaccination),
    chance: &mut Chance,
) -> Option<Vaccination> {
    let kind = kind_of(truth);
    let maker = rules.maker(&truth.maker)?;
    let others: Vec<&Product> = rules.products(kind).filter(|row| row.maker != maker).collect();
    let own: Vec<&Product> = rules.products(kind).filter(|row| row.maker == maker).collect();
    let mut wrong = truth.clone();
    match slip {
        Slip::MakerMisspelt => {
            wrong.maker = misspelt(maker, chance)?;
            // A space that is gone is another spelling, no slip.
            rules.maker(&wrong.maker).is_none().then_some(())?;
        }
        Slip::MakerWrong => wrong.maker = chance.one_of(&others)?.maker.clone(),
        Slip::ProductOfOtherMaker => wrong.product = Some(chance.one_of(&others)?.product.clone()),
        Slip::ProductForOtherAge => wrong.product = Some(chance.one_of(&own)?.product.clone()),
        Slip::LotCut => {
            wrong.lot.pop()?;
        }
        Slip::LotLookAlike => wrong.lot = look_alike(&truth.lot)?,
        Slip::LotDigit => {
            let digit = lot(chance, "9");
            wrong.lot.pop()?;
            wrong.lot.push_str(&digit);
        }
        _ => return None,
    }
    Some(wrong)
}

/// One letter left out, doubled or swapped with the next.
fn misspelt(word: &str, chance: &mut Chance) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    let last = i64::try_from(letters.len()).ok()? - 2;
    let place = usize::try_from(chance.days(0, last)).ok()?;
    match chance.below(3) {
        0 => drop(letters.remove(place)),
        1 => letters.insert(place, *letters.get(place)?),
        _ => letters.swap(place, place + 1),
    }
    Some(letters.into_iter().collect())
}

fn look_alike(lot: &str) -> Option<String> {
    let pairs =
        [('0', 'O'), ('1', 'I'), ('5', 'S'), ('8', 'B'), ('O', '0'), ('S', '5'), ('I', '1')];
    let place = lot.chars().position(|c| pairs.iter().any(|(from, _)| *from == c))?;
    let alike = |c: char| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
    Some(lot.chars().enumerate().map(|(at, c)| if at == place { alike(c) } else { c }).collect())
}

/// A child with two doses against rotavirus, as they should be.
pub(crate) fn infant(life: &Life) -> Life {
    let dose = |dose_number, days| Vaccination {
        status: Status::Done,
        dose_number,
        date: life.birth_date + Duration::days(days),
        maker: "グラクソ・スミスクライン".to_owned(),
        lot: "AROLB123AA".to_owned(),
        product: Some("ロタリックス内用液".to_owned()),
        vaccine_kind: Some("rotavirus".to_owned()),
        venue: None,
    };
    let birth_date = Date::from_ordinal_date(2023, 1 + u16::from(life.birth_date.day())).ok();
    let birth_date = birth_date.unwrap_or(life.birth_date);
    let from_birth = Life { birth_date, died_on: None, moved_out_on: None, ..life.clone() };
    let dose = |number, days| Vaccination {
        date: birth_date + Duration::days(days),
        ..dose(number, days)
    };
    Life { doses: vec![dose(1, 60), dose(2, 95)], ..from_birth }
}
