use crate::IndividualNumber;

/// Why a record was changed, in the words of whoever did it.
///
/// It stays in the record for good and is shown with it, so it must not hold an individual number.
#[derive(Clone, PartialEq, Eq)]
pub struct WrittenReason(String);

/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 200;

const NUMBER_DIGITS: usize = 12;

impl WrittenReason {
    /// Accepts 1 to 200 characters that say something and hold no individual number.
    pub fn parse(text: &str) -> Result<Self, InvalidReason> {
        let is_endless = text.chars().count() > REASON_CHARS_MAX;
        if text.trim().is_empty() || is_endless || text.chars().any(char::is_control) {
            return Err(InvalidReason);
        }
        if holds_individual_number(text) { Err(InvalidReason) } else { Ok(Self(text.to_owned())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Also in full-width digits, and written in groups.
fn holds_individual_number(text: &str) -> bool {
    let is_joint =
        |c: &char| matches!(c, ' ' | '\u{3000}' | '-' | '\u{2010}'..='\u{2015}' | 'ー' | '－');
    let digits: Vec<Option<char>> = text.chars().filter(|c| !is_joint(c)).map(digit).collect();
    digits.windows(NUMBER_DIGITS).any(|window| {
        let number: Option<String> = window.iter().copied().collect();
        number.is_some_and(|number| IndividualNumber::parse(&number).is_ok())
    })
}

fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => {
            char::from_u32(u32::from(c).checked_sub(u32::from('０') - u32::from('0'))?)
        }
        _ => None,
    }
}

impl std::fmt::Debug for WrittenReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrittenReason(redacted)")
    }
}

/// Why a reason is refused.  Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 200 characters and holds no individual number")]
pub struct InvalidReason;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_ends() {
        assert_eq!(WrittenReason::parse("ロット番号の誤記").unwrap().as_str(), "ロット番号の誤記");
        for text in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert_eq!(WrittenReason::parse(text), Err(InvalidReason));
        }
    }

    #[test]
    fn an_individual_number_is_not_kept_in_a_reason_however_it_is_written() {
        let number = IndividualNumber::for_test(7);
        let digits = number.reveal().to_owned();
        let wide: String =
            digits.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
        let (a, b) = digits.split_at(4);
        for text in [digits.clone(), format!("個人番号{digits}の人"), wide, format!("{a}-{b} ")]
        {
            assert_eq!(WrittenReason::parse(&text), Err(InvalidReason), "{text}");
        }
        let mut other = digits;
        let last = other.pop().unwrap();
        other.push(if last == '0' { '1' } else { '0' });
        assert!(WrittenReason::parse(&other).is_ok(), "twelve other digits are a voucher or so");
    }
}
