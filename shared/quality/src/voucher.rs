//! Voucher numbers that are easily taken for each other.

use domain::MunicipalityCode;
use std::borrow::Cow;

use domain::subject::SubjectId;
use domain::voucher::VoucherNumber;

/// What the room knows about the voucher number of a row.
#[derive(Clone, Debug, Default)]
pub enum VoucherState {
    /// The row names no voucher.
    #[default]
    NotGiven,
    /// Issued to the row's person, for these doses.
    IssuedToPerson {
        doses: Vec<u16>,
    },
    /// Issued to somebody else; the neighbours are this person's own.
    IssuedToOther {
        neighbours: Vec<Neighbour>,
    },
    NeverIssued {
        neighbours: Vec<Neighbour>,
    },
    OtherMunicipality(MunicipalityCode),
}

impl VoucherState {
    /// Without the vouchers of others: a row that names its person never means them.
    pub(crate) fn own(&self) -> Cow<'_, Self> {
        let own = |neighbours: &[Neighbour]| {
            neighbours.iter().filter(|one| one.of_same_person).cloned().collect()
        };
        match self {
            Self::IssuedToOther { neighbours } => {
                Cow::Owned(Self::IssuedToOther { neighbours: own(neighbours) })
            }
            Self::NeverIssued { neighbours } => {
                Cow::Owned(Self::NeverIssued { neighbours: own(neighbours) })
            }
            _ => Cow::Borrowed(self),
        }
    }
}

/// An issued voucher whose number is one slip away from the one that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    pub number: VoucherNumber,
    pub subject: SubjectId,
    /// Whether it is the row's person's own; `false` too where the row names nobody.
    pub of_same_person: bool,
    pub doses: Vec<u16>,
}

/// Every number that one wrong digit or one swap of two digits side by side could have turned into
/// this one: ninety and at most nine.
pub fn neighbours(number: &VoucherNumber) -> impl Iterator<Item = VoucherNumber> {
    let digits: Vec<u8> = number.reveal().bytes().collect();
    let places = 0..digits.len();
    let wrong = places.clone().flat_map(|place| (b'0'..=b'9').map(move |digit| (place, digit)));
    let changed = digits.clone();
    let wrong = wrong.filter_map(move |(place, digit)| {
        let mut other = changed.clone();
        let old = std::mem::replace(other.get_mut(place)?, digit);
        (old != digit).then_some(other)
    });
    let swapped = places.skip(1).filter_map(move |place| {
        let mut other = digits.clone();
        other.swap(place - 1, place);
        (other != digits).then_some(other)
    });
    let number = |digits: Vec<u8>| VoucherNumber::parse(std::str::from_utf8(&digits).ok()?).ok();
    wrong.chain(swapped).filter_map(number)
}

/// The voucher that was most likely meant: of the row's person's own the only one, or the only one
/// for the dose; if none is the person's own, the only one at all or for the dose.
pub(crate) fn meant(neighbours: &[Neighbour], dose_number: u16) -> Option<&Neighbour> {
    let has_own = neighbours.iter().any(|one| one.of_same_person);
    let among = || neighbours.iter().filter(move |one| one.of_same_person == has_own);
    let fitting = || among().filter(|one| one.doses.contains(&dose_number));
    only(fitting()).or_else(|| only(among()))
}

fn only<'a>(mut some: impl Iterator<Item = &'a Neighbour>) -> Option<&'a Neighbour> {
    let first = some.next()?;
    some.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn number(text: &str) -> VoucherNumber {
        VoucherNumber::parse(text).unwrap()
    }

    #[test]
    fn a_number_has_ninety_misread_neighbours_and_one_for_every_two_unequal_digits() {
        let count = |text| {
            let all: Vec<_> = neighbours(&number(text)).collect();
            let distinct: BTreeSet<_> = all.iter().map(|one| one.reveal().to_owned()).collect();
            assert_eq!(distinct.len(), all.len(), "{text}");
            assert!(!distinct.contains(text));
            all.len()
        };
        assert_eq!(count("0123456789"), 99);
        assert_eq!(count("0000000000"), 90);
        assert_eq!(count("0000000042"), 92);
    }

    #[test]
    fn whatever_is_a_neighbour_has_the_number_as_its_own() {
        let here = number("0000120042");
        for there in neighbours(&here) {
            assert!(neighbours(&there).any(|back| back == here));
        }
    }

    #[test]
    fn the_persons_own_voucher_is_meant_before_anybody_elses() {
        let neighbour = |text: &str, of_same_person, doses: &[u16]| Neighbour {
            number: number(text),
            subject: SubjectId::make_random(),
            of_same_person,
            doses: doses.to_vec(),
        };
        let (own, second) =
            (neighbour("0000000001", true, &[1]), neighbour("0000000002", true, &[2]));
        let other = neighbour("0000000003", false, &[1]);
        let meant = |all: &[&Neighbour], dose| {
            let all: Vec<_> = all.iter().map(|one| (*one).clone()).collect();
            meant(&all, dose).map(|one| one.number.reveal().to_owned())
        };
        assert_eq!(meant(&[&own, &other], 1).as_deref(), Some("0000000001"));
        assert_eq!(meant(&[&own, &second, &other], 2).as_deref(), Some("0000000002"));
        assert_eq!(meant(&[&own, &second], 3), None, "two of them, and neither is for this dose");
        assert_eq!(meant(&[&other], 1).as_deref(), Some("0000000003"));
        assert_eq!(meant(&[&other, &other], 1), None);
        assert_eq!(meant(&[], 1), None);
    }
}
