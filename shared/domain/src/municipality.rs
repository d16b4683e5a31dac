use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::individual_number::decimal_digits;

/// A municipality code (全国地方公共団体コード): prefecture 2, municipality 3, check digit 1.
///
/// Public, so it speaks: `Copy`, ordered, printed as its six digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MunicipalityCode([u8; 6]);

impl MunicipalityCode {
    /// Accepts exactly six ASCII digits, the last being the check digit of the first five.
    pub fn parse(text: &str) -> Result<Self, InvalidMunicipalityCode> {
        let digits = decimal_digits::<6>(text).ok_or(InvalidMunicipalityCode::NotSixDigits)?;
        let [body @ .., check] = digits;
        if check != check_digit(body) {
            return Err(InvalidMunicipalityCode::WrongCheckDigit);
        }
        Ok(Self(digits.map(|d| d + b'0')))
    }

    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever stored, so the empty fall-back cannot be reached.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Why a text is not a municipality code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMunicipalityCode {
    #[error("a municipality code is six digits")]
    NotSixDigits,
    #[error("the check digit of the municipality code does not match")]
    WrongCheckDigit,
}

/// Weights 6 to 2; the last digit of 11 minus the remainder, so 11 becomes 1 and 10 becomes 0.
fn check_digit(body: [u8; 5]) -> u8 {
    let sum: u8 = body.iter().zip([6, 5, 4, 3, 2]).map(|(d, w)| d * w).sum();
    (11 - sum % 11) % 10
}

impl fmt::Display for MunicipalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MunicipalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MunicipalityCode {
    type Err = InvalidMunicipalityCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for MunicipalityCode {
    type Error = InvalidMunicipalityCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<MunicipalityCode> for String {
    fn from(code: MunicipalityCode) -> Self {
        code.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_sources_are_accepted() {
        for code in ["131211", "072036", "472131", "092037", "131237"] {
            assert_eq!(MunicipalityCode::parse(code).unwrap().to_string(), code);
        }
    }

    #[test]
    fn a_wrong_digit_or_length_is_refused() {
        use InvalidMunicipalityCode::{NotSixDigits, WrongCheckDigit};
        for (text, want) in [
            ("131212", WrongCheckDigit),
            ("13121", NotSixDigits),
            ("1312110", NotSixDigits),
            ("１３１２１１", NotSixDigits),
            ("", NotSixDigits),
        ] {
            assert_eq!(MunicipalityCode::parse(text), Err(want));
        }
    }
}
