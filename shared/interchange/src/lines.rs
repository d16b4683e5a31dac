//! Lines of a text that may be UTF-8 (with or without a mark) or CP932, one at a time.
//!
//! No cell holds a line break, so a line is a record.  Neither encoding has a line feed inside a
//! character, so bytes are cut into lines first and read as text then.

use std::io::{self, BufRead, Read as _};

use encoding_rs::SHIFT_JIS;

use crate::problem::Reason;

/// No layout comes near; a longer line is skipped in bounded memory.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How the bytes of a file are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// What Windows calls Shift_JIS: with 髙 and ①.
    Cp932,
}

impl Encoding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Cp932 => "CP932",
        }
    }
}

/// Cuts a stream into lines; decided by the first line that is not plain ASCII, one file has one
/// encoding.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    encoding: Option<Encoding>,
    bytes: Vec<u8>,
    number: u64,
}

/// A line and its number, from 1; `Err` if its text can't be had.
pub type Line = (u64, Result<String, Reason>);

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Self { input, encoding: None, bytes: Vec::new(), number: 0 }
    }

    /// `None` as long as everything was plain ASCII, which is both.
    pub fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// The next line without its end; `None` after the last.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        self.bytes.clear();
        let most = u64::try_from(LINE_BYTES_MAX + 1).unwrap_or(u64::MAX);
        let count = (&mut self.input).take(most).read_until(b'\n', &mut self.bytes)?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.bytes.last() != Some(&b'\n') && count > LINE_BYTES_MAX {
            self.input.skip_until(b'\n')?;
            return Ok(Some((self.number, Err(Reason::LineTooLong))));
        }
        if self.number == 1 && self.bytes.starts_with(UTF8_MARK) {
            self.encoding = Some(Encoding::Utf8);
            self.bytes.drain(..UTF8_MARK.len());
        }
        while matches!(self.bytes.last(), Some(b'\n' | b'\r')) {
            self.bytes.pop();
        }
        let text = self.decode();
        Ok(Some((self.number, text)))
    }

    fn decode(&mut self) -> Result<String, Reason> {
        if self.bytes.iter().any(|byte| *byte < b' ' && *byte != b'\t' || *byte == 0x7F) {
            return Err(Reason::ControlCharacter);
        }
        if self.bytes.is_ascii() {
            return String::from_utf8(self.bytes.clone()).map_err(|_| Reason::WrongEncoding);
        }
        let as_utf8 = std::str::from_utf8(&self.bytes);
        let guess = if as_utf8.is_ok() { Encoding::Utf8 } else { Encoding::Cp932 };
        match (*self.encoding.get_or_insert(guess), as_utf8) {
            (Encoding::Utf8, Ok(text)) => Ok(text.to_owned()),
            (Encoding::Utf8, Err(_)) => Err(Reason::WrongEncoding),
            (Encoding::Cp932, _) => SHIFT_JIS
                .decode_without_bom_handling_and_without_replacement(&self.bytes)
                .map(std::borrow::Cow::into_owned)
                .ok_or(Reason::WrongEncoding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> (Vec<Line>, Option<Encoding>) {
        let mut lines = Lines::new(bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            found.push(line);
        }
        (found, lines.encoding())
    }

    #[test]
    fn the_three_ways_to_write_japanese_are_read_alike() {
        let text = "宛名番号,氏名\r\n001,髙﨑①\r\n";
        let marked = [UTF8_MARK, text.as_bytes()].concat();
        let (cp932, _, lossy) = SHIFT_JIS.encode(text);
        assert!(!lossy);
        let want = vec![(1, Ok("宛名番号,氏名".to_owned())), (2, Ok("001,髙﨑①".to_owned()))];
        for (bytes, encoding) in [
            (text.as_bytes(), Encoding::Utf8),
            (&marked, Encoding::Utf8),
            (&cp932, Encoding::Cp932),
        ] {
            assert_eq!(lines(bytes), (want.clone(), Some(encoding)));
        }
    }

    #[test]
    fn a_line_in_another_encoding_than_the_first_is_named() {
        let (cp932, _, _) = SHIFT_JIS.encode("氏名");
        let mixed = [b"a\n\xE6\xB0\x8F\n".as_slice(), &cp932, b"\nb\n"].concat();
        let (found, encoding) = lines(&mixed);
        assert_eq!(encoding, Some(Encoding::Utf8));
        assert_eq!(found[2], (3, Err(Reason::WrongEncoding)));
        assert_eq!(found[3], (4, Ok("b".to_owned())));
    }

    #[test]
    fn a_line_without_end_is_skipped_in_bounded_memory() {
        let bytes = [b"a\n".as_slice(), &vec![b'x'; 50_000_000], b"\nb"].concat();
        let mut lines = Lines::new(bytes.as_slice());
        assert_eq!(lines.next_line().unwrap(), Some((1, Ok("a".to_owned()))));
        assert_eq!(lines.next_line().unwrap(), Some((2, Err(Reason::LineTooLong))));
        assert!(lines.bytes.capacity() <= 4 * LINE_BYTES_MAX);
        assert_eq!(lines.next_line().unwrap(), Some((3, Ok("b".to_owned()))));
        assert_eq!(lines.next_line().unwrap(), None);
    }

    #[test]
    fn a_zero_byte_is_no_text() {
        assert_eq!(lines(b"a\0b\n").0, [(1, Err(Reason::ControlCharacter))]);
    }
}
