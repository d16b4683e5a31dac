//! Short public ids that appear in logs: operators, terminals, requests.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest id of this kind, in bytes.
pub const TEXT_ID_BYTES_MAX: usize = 64;

/// Digits of the shortest number that names a person: a voucher's ten.
const PERSONAL_NUMBER_DIGITS_MIN: usize = 10;

/// Letters, digits, `.`, `_`, `-`: nothing that could break a line of a log or of a signed text,
/// nor a resident's number that somebody pasted: logs keep these ids for years.
fn is_well_formed(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    !text.is_empty()
        && text.len() <= TEXT_ID_BYTES_MAX
        && text.bytes().all(allowed)
        && (digits < PERSONAL_NUMBER_DIGITS_MIN || is_hyphenated_uuid(text))
}

fn is_hyphenated_uuid(text: &str) -> bool {
    text.len() == uuid::fmt::Hyphenated::LENGTH && uuid::Uuid::try_parse(text).is_ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an id is 1 to 64 letters, digits, dots, underscores or hyphens, and a UUID or fewer than ten \
     digits"
)]
pub struct InvalidTextId;

/// An operator (職員) registered with the nation beforehand: one natural person or one system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperatorId(String);

/// A machine with a client certificate (LGWAN端末).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TerminalId(String);

/// One request, under one id in every service, error and log that it touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    /// A new id for a request that came without one.
    pub fn make_random() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }
}

impl OperatorId {
    pub fn parse(text: &str) -> Result<Self, InvalidTextId> {
        Self::try_from(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TerminalId {
    pub fn parse(text: &str) -> Result<Self, InvalidTextId> {
        Self::try_from(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RequestId {
    pub fn parse(text: &str) -> Result<Self, InvalidTextId> {
        Self::try_from(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OperatorId {
    type Error = InvalidTextId;

    fn try_from(text: String) -> Result<Self, InvalidTextId> {
        is_well_formed(&text).then_some(Self(text)).ok_or(InvalidTextId)
    }
}

impl TryFrom<String> for TerminalId {
    type Error = InvalidTextId;

    fn try_from(text: String) -> Result<Self, InvalidTextId> {
        is_well_formed(&text).then_some(Self(text)).ok_or(InvalidTextId)
    }
}

impl TryFrom<String> for RequestId {
    type Error = InvalidTextId;

    fn try_from(text: String) -> Result<Self, InvalidTextId> {
        is_well_formed(&text).then_some(Self(text)).ok_or(InvalidTextId)
    }
}

impl From<OperatorId> for String {
    fn from(id: OperatorId) -> Self {
        id.0
    }
}

impl From<TerminalId> for String {
    fn from(id: TerminalId) -> Self {
        id.0
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

impl fmt::Display for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TerminalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_break_a_line_are_refused() {
        for text in ["", "a b", "a\nb", "山", &"x".repeat(65)] {
            assert_eq!(OperatorId::parse(text), Err(InvalidTextId));
            assert_eq!(TerminalId::parse(text), Err(InvalidTextId));
            assert_eq!(RequestId::parse(text), Err(InvalidTextId));
        }
    }

    #[test]
    fn ids_that_could_hold_the_number_of_a_person_are_refused() {
        for text in ["999912345678", "9999-1234-5678", "person.999912345678", "1234567890"] {
            assert_eq!(OperatorId::parse(text), Err(InvalidTextId));
            assert_eq!(TerminalId::parse(text), Err(InvalidTextId));
            assert_eq!(RequestId::parse(text), Err(InvalidTextId));
        }
        for text in ["clerk-131211-01", "0199f3a2-7c11-7000-8000-123456789012"] {
            assert!(OperatorId::parse(text).is_ok() && RequestId::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_made_request_id_is_well_formed() {
        let id = RequestId::make_random();
        assert_eq!(RequestId::parse(id.as_str()), Ok(id));
    }
}
