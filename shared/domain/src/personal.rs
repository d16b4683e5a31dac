use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A name, a venue's remark, anything that says something about one person.
///
/// Like an individual number it has no voice: no `Display`, no `Serialize`, a silent `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PersonalText(String);

/// Longest personal text, in characters: names of 80 characters exist in registers.
pub const PERSONAL_TEXT_CHARS_MAX: usize = 200;

impl PersonalText {
    /// Accepts 1 to 200 characters without control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidPersonalText> {
        let length = text.chars().count();
        if length == 0 || length > PERSONAL_TEXT_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(InvalidPersonalText);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text itself.  Callers: cell sealing and the answer to the room's own clerk.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalText(redacted)")
    }
}

/// Why a text is refused.  Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text has 1 to 200 characters and no control characters")]
pub struct InvalidPersonalText;

#[cfg(test)]
mod tests {
    use static_assertions::assert_not_impl_any;

    use super::*;

    assert_not_impl_any!(PersonalText: fmt::Display, serde::Serialize, Copy);

    #[test]
    fn debug_is_silent() {
        assert_eq!(format!("{:?}", PersonalText::parse("渡").unwrap()), "PersonalText(redacted)");
    }

    #[test]
    fn control_characters_and_endless_texts_are_refused() {
        for text in ["", "a\0b", "a\nb", &"x".repeat(201)] {
            assert_eq!(PersonalText::parse(text), Err(InvalidPersonalText));
        }
    }
}
