//! The names that stand in checkpoints and signatures.

use std::{fmt, sync::Arc};

/// Says which log a checkpoint is about: one line, unique among all logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Arc<str>);

/// Says whose key made a signature: like an address without scheme, no spaces and no plus.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("an origin is one line that is not empty")]
    Origin,
    #[error("a key name is not empty and has neither spaces nor plus signs")]
    KeyName,
}

impl Origin {
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let valid = !text.is_empty() && !text.contains(is_forbidden);
        if valid { Ok(Self(text.into())) } else { Err(InvalidName::Origin) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeyName {
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let splits = |c: char| c == '+' || c.is_whitespace() || is_forbidden(c);
        let valid = !text.is_empty() && !text.contains(splits);
        if valid { Ok(Self(text.into())) } else { Err(InvalidName::KeyName) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A log's own key carries the log's name.
impl From<KeyName> for Origin {
    fn from(name: KeyName) -> Self {
        Self(name.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters have no place in a note, the newline between its lines excepted.
pub(crate) fn is_forbidden(c: char) -> bool {
    c < ' '
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_break_a_line_are_refused() {
        for text in ["", "a\nb", "a\tb", "a\0"] {
            assert_eq!(Origin::parse(text), Err(InvalidName::Origin));
            assert_eq!(KeyName::parse(text), Err(InvalidName::KeyName));
        }
        for text in ["a b", "a+b", "a\u{3000}b", "a\u{a0}b"] {
            assert_eq!(KeyName::parse(text), Err(InvalidName::KeyName));
            assert_eq!(Origin::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_log_may_be_called_after_its_key() {
        let name = KeyName::parse("log.example/131211").unwrap();
        assert_eq!(Origin::from(name.clone()).as_str(), name.as_str());
    }
}
