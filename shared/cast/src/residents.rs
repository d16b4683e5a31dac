//! Residents who never lived: marked numbers, names that are plainly labels, doses of no maker.

use domain::IndividualNumber;
use domain::subject::Sex;
use domain::vaccination::{Status, Vaccination};
use time::macros::date;
use time::{Date, Duration};
use wire::WireNumber;
use wire::partition::RegisterSubject;

/// A resident of one municipality's register.
#[derive(Clone, Debug)]
pub struct Resident {
    /// The serial number inside the test convention; equal numbers are the same person.
    pub serial: u32,
    /// What this municipality itself recorded.
    pub doses: Vec<Vaccination>,
}

/// Who is in which register.
#[derive(Clone, Debug)]
pub struct Residents {
    pub adachi: Vec<Resident>,
    pub koriyama: Vec<Resident>,
    pub uruma: Vec<Resident>,
    /// Moved from Adachi to Koriyama: asking Adachi finds doses.
    pub moved: Resident,
    /// Moved from Uruma to Koriyama: asking Adachi finds nothing.
    pub misdirected: Resident,
}

/// Serials of Uruma's residents begin here.
const URUMA_FROM: u32 = 2_001;
/// Koriyama's own people, who moved nowhere.
const KORIYAMA_FROM: u32 = 1_001;
/// Of those who move, this one is asked about: four doses.
const MOVED: u32 = 3;

impl Residents {
    /// `count` residents in Adachi and in Uruma; half as many in Koriyama, and those who moved in.
    pub fn new(count: u32) -> Self {
        let count = count.max(MOVED);
        let vaccinated = |serial| Resident { serial, doses: doses_of(serial) };
        let arrived = |serial| Resident { serial, doses: Vec::new() };
        let own = (KORIYAMA_FROM..KORIYAMA_FROM + count / 2).map(vaccinated);
        let moved = (1..=MOVED).map(arrived);
        Self {
            adachi: (1..=count).map(vaccinated).collect(),
            koriyama: own.chain(moved).chain([arrived(URUMA_FROM)]).collect(),
            uruma: (URUMA_FROM..URUMA_FROM + count).map(vaccinated).collect(),
            moved: vaccinated(MOVED),
            misdirected: vaccinated(URUMA_FROM),
        }
    }
}

impl Resident {
    pub fn number(&self) -> IndividualNumber {
        IndividualNumber::for_test(self.serial)
    }

    /// What a clerk enters.
    pub fn to_request(&self) -> RegisterSubject {
        let sexes = [Sex::Female, Sex::Male, Sex::NotApplicable];
        let sex = sexes.into_iter().cycle().nth(index(self.serial)).unwrap_or(Sex::NotApplicable);
        RegisterSubject {
            individual_number: WireNumber(self.number()),
            address_number: format!("TEST{:08}", self.serial),
            name: format!("試験 {}号", in_kanji(self.serial)),
            name_kana: format!("シケン {}ゴウ", self.serial),
            birth_date: day(date!(1950 - 01 - 01), i64::from(self.serial % 20_000)),
            sex,
        }
    }
}

fn index(serial: u32) -> usize {
    usize::try_from(serial % 3).unwrap_or_default()
}

/// One to five doses, three months apart.
fn doses_of(serial: u32) -> Vec<Vaccination> {
    let last = u16::try_from(1 + serial % 5).unwrap_or(1);
    let first_day = day(date!(2021 - 05 - 10), i64::from(serial % 90));
    let dose = |number: u16| Vaccination {
        status: Status::Done,
        dose_number: number,
        date: day(first_day, 91 * i64::from(number - 1)),
        maker: "試験製薬".to_owned(),
        lot: format!("TEST-{serial:04}-{number}"),
        product: None,
        vaccine_kind: None,
        venue: Some("試験会場".to_owned()),
    };
    (1..=last).map(dose).collect()
}

fn day(from: Date, days: i64) -> Date {
    from.checked_add(Duration::days(days)).unwrap_or(from)
}

/// 1 is 一, 12 is 一二: digit by digit, as on a form.
fn in_kanji(number: u32) -> String {
    let digits = number.to_string();
    let digits = digits.bytes().map(|digit| usize::from(digit - b'0'));
    digits.filter_map(|digit| "〇一二三四五六七八九".chars().nth(digit)).collect()
}

#[cfg(test)]
mod tests {
    use domain::PersonalText;

    use super::*;

    #[test]
    fn every_resident_is_plainly_synthetic_and_well_formed() {
        let residents = Residents::new(120);
        for resident in residents.adachi.iter().chain(&residents.koriyama).chain(&residents.uruma) {
            let request = resident.to_request();
            assert!(request.individual_number.0.is_test());
            assert!(
                request.name.starts_with("試験 ") && PersonalText::parse(&request.name).is_ok()
            );
            assert!(resident.doses.iter().all(|dose| dose.check(date!(2026 - 01 - 01)).is_ok()));
        }
    }

    #[test]
    fn who_moved_is_in_both_registers_and_the_misdirected_one_not_in_adachi() {
        let Residents { adachi, koriyama, uruma, moved, misdirected } = Residents::new(10);
        let has = |all: &[Resident], one: &Resident| all.iter().any(|r| r.serial == one.serial);
        assert!(has(&adachi, &moved) && has(&koriyama, &moved) && !has(&uruma, &moved));
        assert!(has(&uruma, &misdirected) && has(&koriyama, &misdirected));
        assert!(!has(&adachi, &misdirected));
        assert_eq!(moved.doses.len(), 4);
    }
}
