use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A 12-digit individual number (個人番号), check digit verified.
///
/// It has no `Display`, no `Serialize` and no `Hash`: the only way to read the digits is
/// [`reveal`](Self::reveal), so a search for `.reveal()` finds every place a number leaves its box.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct IndividualNumber(String);

impl IndividualNumber {
    /// Accepts exactly twelve ASCII digits whose last digit is the check digit of the first eleven.
    pub fn parse(text: &str) -> Result<Self, InvalidIndividualNumber> {
        let digits = decimal_digits::<12>(text).ok_or(InvalidIndividualNumber::NotTwelveDigits)?;
        let [body @ .., check] = digits;
        if check != check_digit(body) {
            return Err(InvalidIndividualNumber::WrongCheckDigit);
        }
        Ok(Self(text.to_owned()))
    }

    /// The digits themselves.  Callers: blind index, cell sealing, the sealed inquiry, commitments.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Marks a number as one of ours: made for a test or a demonstration, never issued to a person.
const TEST_PREFIX: &str = "9999";

impl IndividualNumber {
    /// A number of the test convention: `9999`, seven digits of `serial`, check digit.
    ///
    /// No range is published as unissued, so the mark is our own; see `docs/GLOSSARY.md`.
    pub fn for_test(serial: u32) -> Self {
        let body = format!("{TEST_PREFIX}{:07}", serial % 10_000_000);
        let check = decimal_digits::<11>(&body).map_or(0, check_digit);
        Self(format!("{body}{check}"))
    }

    /// Whether this number carries the mark of the test convention.
    pub fn is_test(&self) -> bool {
        self.0.starts_with(TEST_PREFIX)
    }
}

impl fmt::Debug for IndividualNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndividualNumber(redacted)")
    }
}

/// Why a text is not an individual number.  Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIndividualNumber {
    #[error("an individual number is twelve digits")]
    NotTwelveDigits,
    #[error("the check digit does not match")]
    WrongCheckDigit,
}

/// Weights 2..=7 then 2..=6, counted from the digit next to the check digit.
fn check_digit(body: [u8; 11]) -> u8 {
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = body.iter().zip(weights).map(|(d, w)| u32::from(*d) * w).sum();
    match sum % 11 {
        0 | 1 => 0,
        rest => u8::try_from(11 - rest).unwrap_or(0),
    }
}

pub(crate) fn decimal_digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|b| b - b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use static_assertions::assert_not_impl_any;

    use super::*;

    assert_not_impl_any!(IndividualNumber: fmt::Display, std::hash::Hash, Copy);

    #[test]
    fn accepts_a_number_whose_check_digit_matches() {
        assert_eq!(IndividualNumber::parse("123456789018").unwrap().reveal(), "123456789018");
    }

    #[test]
    fn refuses_wrong_length_wrong_digit_and_full_width() {
        use InvalidIndividualNumber::{NotTwelveDigits, WrongCheckDigit};
        for (text, want) in [
            ("12345678901", NotTwelveDigits),
            ("1234567890180", NotTwelveDigits),
            ("１２３４５６７８９０１８", NotTwelveDigits),
            ("123456789019", WrongCheckDigit),
        ] {
            assert_eq!(IndividualNumber::parse(text), Err(want), "{text}");
        }
    }

    #[test]
    fn debug_never_shows_a_digit() {
        let number = IndividualNumber::parse("123456789018").unwrap();
        let shown = format!("{number:?} {:#?}", Some(&number));
        assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
    }

    #[test]
    fn test_numbers_are_valid_and_marked() {
        for serial in [0, 1, 42, 9_999_999] {
            let number = IndividualNumber::for_test(serial);
            assert_eq!(IndividualNumber::parse(number.reveal()), Ok(number.clone()));
            assert!(number.is_test());
        }
    }

    proptest! {
        /// Of the ten possible last digits exactly one is accepted.
        #[test]
        fn exactly_one_check_digit_is_accepted(body in "[0-9]{11}") {
            let accepted = ('0'..='9').filter(|c| IndividualNumber::parse(&format!("{body}{c}")).is_ok());
            prop_assert_eq!(accepted.count(), 1);
        }
    }
}
