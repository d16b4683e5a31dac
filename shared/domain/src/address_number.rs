use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// An address number (宛名番号): the municipality's own id of a person.  Leading zeros count.
///
/// It names a person inside the municipality, so it is silent like the individual number.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct AddressNumber(String);

/// Widest address number; packages differ, so the width is free up to here.
pub const ADDRESS_NUMBER_CHARS_MAX: usize = 30;

impl AddressNumber {
    pub fn parse(text: &str) -> Result<Self, InvalidAddressNumber> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        if text.is_empty() || text.len() > ADDRESS_NUMBER_CHARS_MAX || !printable {
            return Err(InvalidAddressNumber);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text itself.  Callers: cell sealing and the room's own screens.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AddressNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressNumber(redacted)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address number is 1 to 30 printable ASCII characters")]
pub struct InvalidAddressNumber;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_kept() {
        assert_eq!(AddressNumber::parse("000123").unwrap().reveal(), "000123");
    }

    #[test]
    fn spaces_and_31_characters_are_refused() {
        for text in ["", "12 3", &"1".repeat(31)] {
            assert_eq!(AddressNumber::parse(text), Err(InvalidAddressNumber));
        }
    }
}
