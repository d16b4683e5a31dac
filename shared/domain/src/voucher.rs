use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::MunicipalityCode;
use crate::individual_number::decimal_digits;

/// A voucher number (接種券番号): ten digits, unique only within the municipality.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct VoucherNumber(String);

impl VoucherNumber {
    pub fn parse(text: &str) -> Result<Self, InvalidVoucher> {
        decimal_digits::<10>(text).ok_or(InvalidVoucher::NotTenDigits)?;
        Ok(Self(text.to_owned()))
    }

    /// The digits themselves.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for VoucherNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoucherNumber(redacted)")
    }
}

/// The printed line of a voucher: kind 1, dose 1, municipality 6, voucher number 10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherLine {
    pub kind: u8,
    pub dose: u8,
    pub municipality: MunicipalityCode,
    pub number: VoucherNumber,
}

impl VoucherLine {
    /// Accepts exactly eighteen ASCII digits.  The line has no check digit of its own; the
    /// municipality code inside has one.
    pub fn parse(text: &str) -> Result<Self, InvalidVoucher> {
        let [kind, dose, ..] =
            decimal_digits::<18>(text).ok_or(InvalidVoucher::NotEighteenDigits)?;
        let (head, number) = text.split_at_checked(8).ok_or(InvalidVoucher::NotEighteenDigits)?;
        let code = head.get(2..).ok_or(InvalidVoucher::NotEighteenDigits)?;
        let municipality =
            MunicipalityCode::parse(code).map_err(|_| InvalidVoucher::Municipality)?;
        Ok(Self { kind, dose, municipality, number: VoucherNumber::parse(number)? })
    }
}

/// Why a text is no voucher.  Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVoucher {
    #[error("a voucher number is ten digits")]
    NotTenDigits,
    #[error("a voucher line is eighteen digits")]
    NotEighteenDigits,
    #[error("the municipality code in the voucher line does not match its check digit")]
    Municipality,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_into_its_four_parts() {
        let line = VoucherLine::parse("211312110000000042").unwrap();
        assert_eq!((line.kind, line.dose), (2, 1));
        assert_eq!(line.municipality.as_str(), "131211");
        assert_eq!(line.number.reveal(), "0000000042");
    }

    #[test]
    fn misread_lines_are_refused() {
        use InvalidVoucher::{Municipality, NotEighteenDigits};
        for (text, want) in [
            ("21131211000000004", NotEighteenDigits),
            ("2113121100000000４", NotEighteenDigits),
            ("211312120000000042", Municipality),
        ] {
            assert_eq!(VoucherLine::parse(text), Err(want));
        }
    }

    #[test]
    fn debug_never_shows_the_number() {
        let line = VoucherLine::parse("211312119876543210").unwrap();
        assert!(!format!("{line:?}").contains("9876543210"));
    }
}
