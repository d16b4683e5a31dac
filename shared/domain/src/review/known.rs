use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::subject::Subject;
use crate::{AddressNumber, PersonalText};

/// What a room knows of a person that a rule may compare.
#[derive(Clone, Debug)]
pub struct Known {
    pub registered_at_unix_ms: i64,
    pub(super) family: Option<Family>,
    pub(super) place: Option<Place>,
}

/// The part of a name before its first space; silent like the name.
#[derive(Clone, PartialEq, Eq, Hash, Zeroize, ZeroizeOnDrop)]
pub(super) struct Family(String);

/// An address number cut in two, so that neighbours can be told by their distance.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) series: String,
    pub(super) number: u64,
}

impl Known {
    pub fn new(subject: &Subject, registered_at_unix_ms: i64) -> Self {
        let family = Family::of(&subject.name);
        Self { registered_at_unix_ms, family, place: Place::of(&subject.address_number) }
    }
}

impl Family {
    /// A name without a space does not say where the family's part ends.
    fn of(name: &PersonalText) -> Option<Self> {
        let (family, _) = name.reveal().split_once(char::is_whitespace)?;
        (!family.is_empty()).then(|| Self(family.to_owned()))
    }
}

impl Place {
    fn of(address: &AddressNumber) -> Option<Self> {
        let text = address.reveal();
        let series = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_prefix(series)?.parse().ok()?;
        Some(Self { series: series.to_owned(), number })
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Family(redacted)")
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(redacted)")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.series.zeroize();
        self.number.zeroize();
    }
}
