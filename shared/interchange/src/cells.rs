//! The cells of one line, read by name of the column; every wrong cell is noted, not only the first.

use csv_core::{ReadRecordResult, Reader};
use domain::individual_number::InvalidIndividualNumber;
use domain::subject::Sex;
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, IndividualNumber, MunicipalityCode, PersonalText};
use time::{Date, Month};

use crate::layout::{Column, Layout};
use crate::problem::{Problem, Reason};

/// A text longer than this is no cell of ours.
const TEXT_CHARS_MAX: usize = domain::vaccination::FIELD_CHARS_MAX;
const CELLS_MAX: usize = 64;

/// Cuts a line into cells.
#[derive(Debug)]
pub struct Splitter {
    /// Made once: its tables take longer to make than a line to cut.
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Default for Splitter {
    fn default() -> Self {
        // The default of the reader itself has no tables.
        Self { reader: Reader::new(), text: Vec::new(), ends: Vec::new() }
    }
}

impl Splitter {
    /// The cells of a line, unquoted; quotes that do not close are an error of this line alone.
    pub fn split<'a>(&'a mut self, line: &str) -> Result<Vec<&'a str>, Reason> {
        // One character may grow, never the text: unquoting only takes away.
        self.text.resize(line.len() + 1, 0);
        self.ends.resize(CELLS_MAX + 1, 0);
        self.reader.reset();
        let ended = [line.as_bytes(), b"\n"].concat();
        let (result, _, _, cells) = self.reader.read_record(&ended, &mut self.text, &mut self.ends);
        match result {
            ReadRecordResult::Record => {}
            ReadRecordResult::OutputEndsFull => return Err(Reason::WrongColumns),
            _ => return Err(Reason::BrokenQuotes),
        }
        let mut start = 0;
        let mut found = Vec::with_capacity(cells);
        for end in self.ends.iter().take(cells) {
            let bytes = self.text.get(start..*end).unwrap_or_default();
            found.push(std::str::from_utf8(bytes).map_err(|_| Reason::BrokenQuotes)?);
            start = *end;
        }
        Ok(found)
    }
}

/// One line's cells under a layout.
#[derive(Debug)]
pub struct Cells<'a> {
    line: u64,
    layout: &'static Layout,
    cells: Vec<&'a str>,
    problems: Vec<Problem>,
}

impl<'a> Cells<'a> {
    pub fn new(line: u64, layout: &'static Layout, cells: Vec<&'a str>) -> Result<Self, Reason> {
        let fits = cells.len() == layout.columns.len();
        let problems = Vec::new();
        if fits { Ok(Self { line, layout, cells, problems }) } else { Err(Reason::WrongColumns) }
    }

    /// What is wrong with the line, once everything has been asked for.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    pub fn are_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// Reads without noting what is wrong.
    pub fn quietly<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let noted = self.problems.len();
        let value = read(self);
        self.problems.truncate(noted);
        value
    }

    pub fn first_column(&self) -> &'static str {
        self.layout.columns.first().map(|column| column.name).unwrap_or_default()
    }

    pub fn note(&mut self, name: &str, reason: Reason) {
        let column = self.column(name).map(|column| column.name);
        let problem = Problem { line: self.line, column, reason };
        if self.problems.last() != Some(&problem) {
            self.problems.push(problem);
        }
    }

    fn column(&self, name: &str) -> Option<&'static Column> {
        self.layout.columns.iter().find(|column| column.name == name)
    }

    /// The cell without surrounding spaces; `None` if it is empty, which is noted where it must not be.
    fn cell(&mut self, name: &str) -> Option<&'a str> {
        let place = self.layout.columns.iter().position(|column| column.name == name)?;
        let text = self.cells.get(place)?.trim();
        if !text.is_empty() {
            return Some(text);
        }
        if self.layout.columns.get(place)?.required {
            self.note(name, Reason::Missing);
        }
        None
    }

    fn read<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Reason>) -> Option<T> {
        let text = self.cell(name)?;
        read(text).map_err(|reason| self.note(name, reason)).ok()
    }

    pub fn individual_number(&mut self, name: &str) -> Option<IndividualNumber> {
        self.read(name, |text| {
            IndividualNumber::parse(&half_width(text)).map_err(|error| match error {
                InvalidIndividualNumber::NotTwelveDigits => Reason::IndividualNumberDigits,
                InvalidIndividualNumber::WrongCheckDigit => Reason::IndividualNumberCheck,
            })
        })
    }

    pub fn address_number(&mut self, name: &str) -> Option<AddressNumber> {
        self.read(name, |text| AddressNumber::parse(text).map_err(|_| Reason::AddressNumber))
    }

    pub fn name(&mut self, name: &str) -> Option<PersonalText> {
        self.read(name, |text| {
            refuse_formula(text)?;
            PersonalText::parse(text).map_err(|_| Reason::Text)
        })
    }

    pub fn kana(&mut self, name: &str) -> Option<PersonalText> {
        self.read(name, |text| {
            let is_kana = text.chars().all(is_kana);
            let kana = if is_kana { text } else { return Err(Reason::Kana) };
            PersonalText::parse(kana).map_err(|_| Reason::Text)
        })
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, |text| {
            refuse_formula(text)?;
            let fits = text.chars().count() <= TEXT_CHARS_MAX;
            fits.then(|| text.to_owned()).ok_or(Reason::Text)
        })
    }

    pub fn date(&mut self, name: &str) -> Option<Date> {
        self.read(name, read_date)
    }

    /// A date that lies in the past, or is today.
    pub fn past_date(&mut self, name: &str, today: Date) -> Option<Date> {
        let date = self.date(name)?;
        if date > today {
            self.note(name, Reason::FutureDate);
            return None;
        }
        Some(date)
    }

    pub fn sex(&mut self, name: &str) -> Option<Sex> {
        self.read(name, |text| match half_width(text).as_str() {
            "1" => Ok(Sex::Male),
            "2" => Ok(Sex::Female),
            "9" => Ok(Sex::NotApplicable),
            _ => Err(Reason::Sex),
        })
    }

    pub fn dose_number(&mut self, name: &str) -> Option<u16> {
        self.read(name, |text| {
            let number: u16 = half_width(text).parse().map_err(|_| Reason::Number)?;
            if number == 0 { Err(Reason::Number) } else { Ok(number) }
        })
    }

    pub fn voucher_number(&mut self, name: &str) -> Option<VoucherNumber> {
        self.read(name, |text| {
            VoucherNumber::parse(&half_width(text)).map_err(|_| Reason::VoucherNumber)
        })
    }

    pub fn municipality(&mut self, name: &str) -> Option<MunicipalityCode> {
        self.read(name, |text| {
            MunicipalityCode::parse(&half_width(text)).map_err(|_| Reason::MunicipalityCode)
        })
    }
}

/// Digits typed in full width are digits.
fn half_width(text: &str) -> String {
    let narrow = |c: char| match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
        c => c,
    };
    text.chars().map(narrow).collect()
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{30A0}'..='\u{30FF}' | '\u{FF65}'..='\u{FF9F}' | ' ' | '\u{3000}')
}

/// What a spreadsheet would take for a formula stays out of the register.
fn refuse_formula(text: &str) -> Result<(), Reason> {
    if text.starts_with(['=', '+', '-', '@']) { Err(Reason::Formula) } else { Ok(()) }
}

fn read_date(text: &str) -> Result<Date, Reason> {
    let text = half_width(text);
    let is_era = text.starts_with(|c: char| {
        matches!(c, '明' | '大' | '昭' | '平' | '令' | 'M' | 'T' | 'S' | 'H' | 'R')
    });
    if is_era {
        return Err(Reason::EraDate);
    }
    let parts: Vec<&str> = match text.split_once(['-', '/']) {
        Some(_) => text.split(['-', '/']).collect(),
        None if text.len() == 8 && text.is_ascii() => {
            let (year, rest) = text.split_at(4);
            let (month, day) = rest.split_at(2);
            vec![year, month, day]
        }
        None => return Err(Reason::Date),
    };
    let [year, month, day] = parts.as_slice() else { return Err(Reason::Date) };
    let is_plain = [year, month, day].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if year.len() != 4 || !is_plain {
        return Err(Reason::Date);
    }
    let wrong = |_| Reason::Date;
    let month: u8 = month.parse().map_err(wrong)?;
    let month = Month::try_from(month).map_err(|_| Reason::Date)?;
    let (year, day) = (year.parse().map_err(wrong)?, day.parse().map_err(wrong)?);
    Date::from_calendar_date(year, month, day).map_err(|_| Reason::Date)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    #[test]
    fn dates_are_read_in_three_spellings_and_no_other() {
        for text in ["2026-04-01", "2026/4/1", "20260401", "２０２６/０４/０１"] {
            assert_eq!(read_date(text), Ok(date!(2026 - 04 - 01)), "{text}");
        }
        for text in ["令和8年4月1日", "R8.4.1", "S65.1.1"] {
            assert_eq!(read_date(text), Err(Reason::EraDate), "{text}");
        }
        for text in ["2026-02-29", "26-04-01", "2026-4", "2026-04-01-1", "0260401", "+026-4-1"] {
            assert_eq!(read_date(text), Err(Reason::Date), "{text}");
        }
    }

    #[test]
    fn quotes_close_in_their_line() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.split(r#"a,"b,""c""",d"#), Ok(vec!["a", "b,\"c\"", "d"]));
        assert_eq!(splitter.split(r#"a,"b"#), Err(Reason::BrokenQuotes));
        assert_eq!(splitter.split(&",".repeat(10_000)), Err(Reason::WrongColumns));
        assert_eq!(splitter.split(""), Err(Reason::BrokenQuotes));
    }

    proptest! {
        #[test]
        fn no_line_makes_the_splitter_panic(line in "[^\n]{0,200}") {
            let _ = Splitter::default().split(&line);
        }

        #[test]
        fn what_is_quoted_is_read_back(cells in proptest::collection::vec("[^\n\r]{0,20}", 2..9)) {
            let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line: Vec<_> = cells.iter().map(quote).collect();
            let mut splitter = Splitter::default();
            prop_assert_eq!(splitter.split(&line.join(",")).unwrap(), cells);
        }
    }
}
