use std::fmt;

use time::Date;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::PersonalText;
use crate::spelling::folded_name;
use crate::subject::{Sex, Subject};

/// What two entries of one person have in common, whatever number and address they carry: kana in
/// one spelling, birth date, sex.
///
/// It says who somebody is, so it is as silent as a name; a room keeps only a keyed digest of it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Likeness(String);

impl Likeness {
    pub fn new(name_kana: &PersonalText, birth_date: Date, sex: Sex) -> Self {
        let sex = match sex {
            Sex::Male => '1',
            Sex::Female => '2',
            Sex::NotApplicable => '9',
        };
        // No kana is a digit, so the parts can't run into each other.
        let day = (birth_date.year(), birth_date.ordinal());
        Self(format!("{sex}{}-{}{}", day.0, day.1, folded_name(name_kana.reveal())))
    }

    pub fn of(subject: &Subject) -> Self {
        Self::new(&subject.name_kana, subject.birth_date, subject.sex)
    }

    /// Caller: the room's keyed digest.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Likeness(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::assert_not_impl_any;
    use time::macros::date;

    use super::*;

    assert_not_impl_any!(Likeness: fmt::Display, serde::Serialize, Copy);

    #[test]
    fn a_person_is_like_oneself_in_any_spelling_and_like_nobody_else() {
        let like = |kana: &str, birth_date, sex| {
            Likeness::new(&PersonalText::parse(kana).unwrap(), birth_date, sex)
        };
        let birth_date = date!(1950 - 01 - 11);
        let one = like("ｻﾄｳ ﾀﾛｳ", birth_date, Sex::Male);
        assert_eq!(one, like("サトウ　タロウ", birth_date, Sex::Male));
        assert_ne!(one, like("サトウ　ハナコ", birth_date, Sex::Male));
        assert_ne!(one, like("サトウ　タロウ", date!(1950 - 01 - 12), Sex::Male));
        assert_ne!(one, like("サトウ　タロウ", birth_date, Sex::Female));
        assert_eq!(format!("{one:?}"), "Likeness(redacted)");
    }
}
