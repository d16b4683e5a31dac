use std::fmt;

use domain::IndividualNumber;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An individual number on its way from a terminal into the room of its own municipality.
///
/// This is the only place where a number meets a serialiser; between municipalities it travels
/// only inside a sealed inquiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireNumber(pub IndividualNumber);

impl<'de> Deserialize<'de> for WireNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asked for "any", so that this visitor words every refusal itself.
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// Says its own sentences: the ready-made ones of a visitor repeat a value of the wrong type.
struct NumberVisitor;

impl de::Visitor<'_> for NumberVisitor {
    type Value = WireNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("twelve digits as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WireNumber, E> {
        IndividualNumber::parse(text).map(WireNumber).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<WireNumber, E> {
        Err(E::custom("an individual number is text, not a number"))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<WireNumber, E> {
        Err(E::custom("an individual number is text, not a number"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<WireNumber, E> {
        Err(E::custom("an individual number is text, not a number"))
    }
}

/// For clients of the API (a terminal, a ledger system); no service answers with this type.
impl Serialize for WireNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

/// A password on its way to the registry.
#[derive(Clone, Zeroize, ZeroizeOnDrop, Deserialize)]
#[serde(transparent)]
pub struct WirePassword(String);

impl WirePassword {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.  Caller: the password hash.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WirePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WirePassword(redacted)")
    }
}

/// For clients of the API only, like [`WireNumber`].
impl Serialize for WirePassword {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_number_is_not_repeated_in_the_error() {
        for text in [
            "\"123456789019\"",
            "\"99991234\"",
            "123456789018",
            "-123456789018",
            "1234567890.18",
            "\"氏名\"",
        ] {
            let error = serde_json::from_str::<WireNumber>(text).unwrap_err().to_string();
            assert!(!error.contains(text.trim_matches('"')), "{error}");
        }
    }
}
