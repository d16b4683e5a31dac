//! Checkpoints in a file, one JSON object a line, ascending by size: read from any size on without
//! reading what is before it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::source::{StoredNote, Unreadable};

/// JSON may write each line break of a note as two bytes.
const LINE_BYTES_MAX: u64 = 2 << 20;

/// One line; cosigned checkpoints have no time of their own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issued_at_unix_ms: Option<i64>,
    pub(crate) note: String,
}

#[derive(Debug)]
pub(crate) struct Lines {
    /// `None` if there is no such file.
    file: Option<BufReader<File>>,
    length: u64,
    /// Who asks for this size next goes on at this offset.
    next_size: u64,
    next_offset: u64,
}

/// A line and where it ends.
struct Found {
    /// `None` if the line is not one of ours.
    line: Option<Line>,
    end: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let length = file.as_ref().map_or(Ok(0), |file| file.metadata().map(|m| m.len()))?;
        Ok(Self { file: file.map(BufReader::new), length, next_size: 0, next_offset: 0 })
    }

    pub(crate) fn read(
        &mut self,
        from_size: u64,
        limit: usize,
    ) -> Result<Vec<StoredNote>, Unreadable> {
        let mut offset = if from_size == self.next_size {
            self.next_offset
        } else {
            self.find(from_size).map_err(|_| Unreadable)?
        };
        let mut notes: Vec<StoredNote> = Vec::new();
        let mut largest = from_size;
        while let Some(Found { line, end }) = self.line_at(offset).map_err(|_| Unreadable)? {
            let last = notes.last().map_or(from_size, |note| note.size);
            // What is no line of ours stands for a checkpoint that does not hold.
            let line =
                line.unwrap_or(Line { size: last, issued_at_unix_ms: None, note: String::new() });
            if notes.len() >= limit && line.size != last {
                break;
            }
            largest = largest.max(line.size);
            notes.push(StoredNote {
                size: line.size,
                stored_at_unix_ms: line.issued_at_unix_ms.unwrap_or_default(),
                root: None,
                note: line.note,
            });
            offset = end;
        }
        if !notes.is_empty() {
            (self.next_size, self.next_offset) = (largest.saturating_add(1), offset);
        }
        Ok(notes)
    }

    /// Where the first line of at least this size begins.
    fn find(&mut self, size: u64) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = low.midpoint(high);
            let begin = if middle == 0 { 0 } else { self.end_of_line(middle - 1)? };
            match self.line_at(begin)? {
                Some(Found { line, end }) if line.as_ref().is_none_or(|l| l.size < size) => {
                    low = end.max(middle + 1);
                }
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Where the line through this offset ends.
    fn end_of_line(&mut self, offset: u64) -> io::Result<u64> {
        let Some(file) = &mut self.file else { return Ok(0) };
        seek(file, offset)?;
        let mut line = Vec::new();
        file.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        Ok(offset + u64::try_from(line.len()).unwrap_or(LINE_BYTES_MAX))
    }

    fn line_at(&mut self, offset: u64) -> io::Result<Option<Found>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        seek(file, offset)?;
        let mut line = Vec::new();
        file.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let end = offset + u64::try_from(line.len()).unwrap_or(LINE_BYTES_MAX);
        let line = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
        Ok(Some(Found { line, end }))
    }
}

/// Keeps the buffer where the reader goes on.
fn seek(file: &mut BufReader<File>, offset: u64) -> io::Result<()> {
    let here = file.stream_position()?;
    match i64::try_from(i128::from(offset) - i128::from(here)) {
        Ok(by) => file.seek_relative(by),
        Err(_) => file.seek(SeekFrom::Start(offset)).map(drop),
    }
}
