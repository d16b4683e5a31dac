//! Reads a whole file: every row that can be used, every problem of those that can't.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead, Seek, Write};

use domain::{AddressNumber, MunicipalityCode};
use time::Date;

use crate::cells::{Cells, Splitter};
use crate::layout::{FileKind, Layout};
use crate::lines::{Encoding, Lines};
use crate::problem::{Problem, Reason};
use crate::rows::{Reading, Row};

/// For whom and when a file is read.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whose file it is; without it, whose the first row is that says so.
    pub municipality: Option<MunicipalityCode>,
    /// Nothing has happened after this day.
    pub today: Date,
}

/// Why nothing of a file can be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file can't be read to its end")]
    Io(#[from] io::Error),
    #[error("the file is empty")]
    Empty,
    #[error("the first line is not the header of a published layout (docs/FILES.md)")]
    UnknownHeader,
}

/// What was found in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary {
    pub layout: &'static str,
    pub encoding: Option<Encoding>,
    /// Lines after the header that are not empty.
    pub rows: u64,
    pub usable: u64,
    pub problems: BTreeMap<Reason, u64>,
}

/// A row that can be used, or everything that is wrong with it.
pub type Checked = Result<Row, Vec<Problem>>;

/// A file that is being read, row by row.
#[derive(Debug)]
pub struct Checker<R> {
    lines: Lines<R>,
    layout: &'static Layout,
    splitter: Splitter,
    reading: Reading,
    seen: Seen,
    summary: Summary,
    line: u64,
    came_back: Option<NamedDoses>,
    contradicted: Option<Row>,
}

/// Whose doses a row says to be, and which.
pub type NamedDoses = (AddressNumber, Vec<u16>);

impl<R: BufRead> Checker<R> {
    /// Reads the header, which says what the file is.
    pub fn open(input: R, options: Options) -> Result<Self, FileError> {
        let mut lines = Lines::new(input);
        let mut splitter = Splitter::default();
        let (_, header) = lines.next_line()?.ok_or(FileError::Empty)?;
        let header = header.map_err(|_| FileError::UnknownHeader)?;
        let cells = splitter.split(&header).map_err(|_| FileError::UnknownHeader)?;
        let layout = Layout::of_header(cells.into_iter()).ok_or(FileError::UnknownHeader)?;
        let summary = Summary {
            layout: layout.name,
            encoding: None,
            rows: 0,
            usable: 0,
            problems: BTreeMap::new(),
        };
        let Options { municipality, today } = options;
        let reading = Reading { municipality, today };
        let seen = Seen::default();
        let (came_back, contradicted) = (None, None);
        let line = 1;
        Ok(Self { lines, layout, splitter, reading, seen, summary, line, came_back, contradicted })
    }

    /// Reads the same file once more, knowing what it says of the same thing in different words: no
    /// such row is used, whichever of them comes first.
    pub fn knowing(mut self, conflicts: Conflicts) -> Self {
        let Conflicts { hasher, keys } = conflicts;
        self.seen = Seen { hasher, conflicts: keys, ..Seen::default() };
        self
    }

    /// What the rows read so far say differently of the same thing.
    pub fn into_conflicts(self) -> Conflicts {
        let Seen { hasher, conflicts: keys, .. } = self.seen;
        Conflicts { hasher, keys }
    }

    pub fn kind(&self) -> FileKind {
        self.layout.kind
    }

    pub fn layout(&self) -> &'static Layout {
        self.layout
    }

    /// The line of the row that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Which doses the row that was read last is about, where it can't be used but says so much.
    pub fn came_back(&self) -> Option<&NamedDoses> {
        self.came_back.as_ref()
    }

    /// The row that was read last, where nothing is wrong with it but that others contradict it.
    pub fn take_contradicted(&mut self) -> Option<Row> {
        self.contradicted.take()
    }

    /// The next row; `None` after the last.
    pub fn next_row(&mut self) -> Result<Option<Checked>, FileError> {
        loop {
            let Some((line, text)) = self.lines.next_line()? else { return Ok(None) };
            if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            self.line = line;
            (self.came_back, self.contradicted) = (None, None);
            let row = text.map_err(|reason| whole(line, reason));
            let row = row.and_then(|text| self.read(line, &text));
            self.summary.rows += 1;
            match &row {
                Ok(_) => self.summary.usable += 1,
                Err(problems) => problems.iter().for_each(|problem| {
                    *self.summary.problems.entry(problem.reason).or_default() += 1;
                }),
            }
            return Ok(Some(row));
        }
    }

    /// What has been found so far.
    pub fn summary(mut self) -> Summary {
        self.summary.encoding = self.lines.encoding();
        self.summary
    }

    fn read(&mut self, line: u64, text: &str) -> Checked {
        let cells = self.splitter.split(text).map_err(|reason| whole(line, reason))?;
        let cells = Cells::new(line, self.layout, cells);
        let mut cells = cells.map_err(|reason| whole(line, reason))?;
        let row = self.reading.row(self.layout, &mut cells);
        if let Some(row) = &row {
            self.seen.note_repeated((row, text), &mut cells);
        }
        match row {
            Some(row) if cells.are_sound() => Ok(row),
            row => {
                self.came_back = self.reading.named_doses(self.layout, &mut cells);
                let problems = cells.into_problems();
                let is_sound = problems.iter().all(|one| one.reason == Reason::Conflict);
                self.contradicted = row.filter(|_| is_sound);
                Err(problems)
            }
        }
    }
}

/// Keyed digests of what a file says of the same thing in different words.
#[derive(Debug, Default)]
pub struct Conflicts {
    hasher: RandomState,
    keys: HashSet<u64>,
}

/// Reads a whole file and writes every problem as a line of a table that a spreadsheet shows.
pub fn list_problems(
    mut input: impl BufRead + Seek,
    options: Options,
    mut out: Option<impl Write>,
) -> Result<Summary, FileError> {
    let mut first = Checker::open(&mut input, options)?;
    while first.next_row()?.is_some() {}
    let conflicts = first.into_conflicts();
    input.rewind()?;
    let mut checker = Checker::open(input, options)?.knowing(conflicts);
    if let Some(out) = &mut out {
        // The mark tells the spreadsheet that this is UTF-8.
        writeln!(out, "\u{FEFF}行,列,理由コード,理由,次にすること")?;
    }
    while let Some(row) = checker.next_row()? {
        if let (Err(problems), Some(out)) = (row, &mut out) {
            problems.iter().try_for_each(|problem| writeln!(out, "{}", told(problem)))?;
        }
    }
    out.iter_mut().try_for_each(Write::flush)?;
    Ok(checker.summary())
}

/// Our own words only, none of which needs quotes.
fn told(problem: &Problem) -> String {
    let Problem { line, column, reason } = problem;
    let column = column.unwrap_or_default();
    format!("{line},{column},{},{},{}", reason.code(), reason.text(), reason.next_step())
}

fn whole(line: u64, reason: Reason) -> Vec<Problem> {
    vec![Problem { line, column: None, reason }]
}

/// What must stand in a file only once, as keyed digests that live as long as the reading.
#[derive(Debug, Default)]
struct Seen {
    hasher: RandomState,
    /// What was said of each thing, as a digest too.
    said: HashMap<u64, u64>,
    conflicts: HashSet<u64>,
}

impl Seen {
    fn note_repeated(&mut self, (row, text): (&Row, &str), cells: &mut Cells<'_>) {
        match row {
            Row::Subject(row) => {
                self.once(cells, "個人番号", ("number", row.individual_number.reveal(), 0), text);
                self.once(cells, "宛名番号", ("address", row.address_number.reveal(), 0), text);
            }
            Row::Batch(row) => {
                // Whoever is asked about twice, at whatever place, is asked about once.
                self.once(cells, "個人番号", ("number", row.individual_number.reveal(), 0), "");
            }
            Row::Voucher(row) => {
                let (number, column) = (row.voucher_number.reveal(), "接種券番号");
                self.once(cells, column, ("voucher", number, row.dose_number), text);
                self.always(cells, column, ("holder", number, 0), row.address_number.reveal());
            }
            Row::Doses(doses) => {
                let column = cells.first_column();
                for dose in doses {
                    let key = ("dose", dose.address_number.reveal(), dose.dose_number);
                    self.once(cells, column, key, text);
                }
            }
        }
    }

    /// Of each thing one row speaks.
    fn once(&mut self, cells: &mut Cells<'_>, column: &str, key: Key<'_>, text: &str) {
        if self.always(cells, column, key, text) {
            cells.note(column, Reason::Duplicate);
        }
    }

    /// Whatever row speaks of a thing says the same; `true` if it was said before.
    fn always(&mut self, cells: &mut Cells<'_>, column: &str, key: Key<'_>, text: &str) -> bool {
        let (key, text) = (self.hasher.hash_one(key), self.hasher.hash_one(text));
        let before = self.said.insert(key, text);
        if before.is_some_and(|before| before != text) {
            self.conflicts.insert(key);
        }
        let is_conflict = self.conflicts.contains(&key);
        if is_conflict {
            cells.note(column, Reason::Conflict);
        }
        before.is_some() && !is_conflict
    }
}

/// A word for the kind of thing, its number, and a dose's.
type Key<'a> = (&'static str, &'a str, u16);

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
