//! Reads a file row by row, compares it with the register, and stages what approval would add.
//!
//! Invariant: a row is decided by the register and the file as a whole, never by its place in it.

mod compare;
mod contradicted;
mod doses;
mod job;
mod known;
mod outline;
mod parts;
mod sheet;
mod subjects;
mod vouchers;

use interchange::{Checker, DoseRow, FileError, FileKind, Options, Row};
use service::ApiError;
use service::problems::ProblemKind;
use wire::imports::{FILE_ROWS_MAX, Purpose};

pub(crate) use self::job::Job;
use self::outline::Outline;
use self::parts::Parts;
use self::sheet::Sheet;
pub(crate) use self::subjects::subject as person;
use crate::problems;
use crate::reason::spoils_the_file;

/// Rows that are looked up and staged together.
const CHUNK_ROWS: usize = 1_000;

/// A usable row with its line.
type Numbered<T> = (u64, T);

/// Why a check ended without a preview.
enum Stop {
    /// Nothing of the file can be used.
    Refused(&'static ProblemKind, Option<u64>),
    /// Somebody has thrown the file away meanwhile.
    Gone,
    Failed(ApiError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<FileError> for Stop {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => Self::Failed(parts::cause(error)),
            FileError::Empty => Self::Refused(&problems::EMPTY_FILE, None),
            FileError::UnknownHeader => Self::Refused(&problems::UNKNOWN_LAYOUT, Some(1)),
        }
    }
}

/// Checks a file to its end and says what was found; blocks.
pub(crate) fn check(job: Job) -> Result<(), ApiError> {
    let mut sheet = Sheet::new(&job);
    let checked = read(&job, &mut sheet);
    match checked {
        Ok(()) => job.end(sheet),
        Err(Stop::Refused(problem, line)) => job.refuse(sheet, (problem, line)),
        Err(Stop::Gone) => Ok(()),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn read(job: &Job, sheet: &mut Sheet) -> Result<(), Stop> {
    if !job.begin()? {
        return Err(Stop::Gone);
    }
    let first = open(job, Parts::new(job))?;
    let layout = first.layout();
    sheet.report.layout = Some(layout.name.to_owned());
    let is_other = job.file.wanted_layout.as_deref().is_some_and(|wanted| wanted != layout.name);
    if is_other || layout.kind == FileKind::Batch {
        return Err(Stop::Refused(&problems::UNKNOWN_LAYOUT, Some(1)));
    }
    let (outline, conflicts) = Outline::of(job, first)?;
    let parts = Parts::new(job);
    let progress = parts.progress();
    let mut rows = open(job, parts)?.knowing(conflicts);
    let mut known = compare::Known::default();
    let mut context = Context { job, sheet, outline: &outline, known: &mut known };
    let mut spoiled = None;
    let mut chunk = Chunk::default();
    // No more than the file itself, which is bounded.
    let mut contradicted = Vec::new();
    while let Some(row) = rows.next_row()? {
        context.sheet.report.counts.rows += 1;
        if context.sheet.report.counts.rows > FILE_ROWS_MAX {
            return Err(Stop::Refused(&problems::TOO_MANY_ROWS, Some(rows.line())));
        }
        match row {
            Ok(row) => chunk.add(rows.line(), row),
            Err(found) => {
                if let Some(Row::Doses(doses)) = rows.take_contradicted()
                    && let Ok([dose]) = <[DoseRow; 1]>::try_from(doses)
                    && context.sheet.is_for_register()
                {
                    contradicted.push((rows.line(), dose));
                    continue;
                }
                if found.iter().any(|one| spoils_the_file(one.reason)) {
                    spoiled.get_or_insert(rows.line());
                    context.sheet.spoil();
                }
                context.sheet.refuse_row(&found);
            }
        }
        if chunk.is_full() {
            context.decide(std::mem::take(&mut chunk), progress.get())?;
        }
    }
    context.decide(chunk, job.file.total_bytes)?;
    contradicted::decide(&mut context, contradicted)?;
    if let Some(line) = spoiled {
        return Err(Stop::Refused(&problems::DAMAGED_FILE, Some(line)));
    }
    if job.file.purpose == Purpose::Compare {
        known.note_missing(job, sheet, layout.kind)?;
    }
    Ok(())
}

fn open<'a>(job: &Job, parts: Parts<'a>) -> Result<Checker<Parts<'a>>, Stop> {
    let options = Options { municipality: Some(job.room.municipality), today: job.today };
    Ok(Checker::open(parts, options)?)
}

/// What a row is decided by.
struct Context<'a> {
    job: &'a Job,
    sheet: &'a mut Sheet,
    outline: &'a Outline,
    known: &'a mut compare::Known,
}

impl Context<'_> {
    fn decide(&mut self, chunk: Chunk, checked_bytes: u64) -> Result<(), Stop> {
        let Chunk { subjects, vouchers, doses } = chunk;
        if !self.sheet.is_spoiled() {
            subjects::decide(self, subjects)?;
            vouchers::decide(self, vouchers)?;
            doses::decide(self, doses)?;
        }
        self.keep(checked_bytes)
    }

    fn keep(&mut self, checked_bytes: u64) -> Result<(), Stop> {
        let is_kept = self.job.keep(self.sheet, checked_bytes)?;
        if is_kept { Ok(()) } else { Err(Stop::Gone) }
    }
}

/// Rows of one kind, since a file has one layout.
#[derive(Default)]
struct Chunk {
    subjects: Vec<Numbered<interchange::SubjectRow>>,
    vouchers: Vec<Numbered<interchange::VoucherRow>>,
    doses: Vec<Numbered<interchange::DoseRow>>,
}

impl Chunk {
    fn add(&mut self, line: u64, row: Row) {
        match row {
            Row::Subject(row) => self.subjects.push((line, row)),
            Row::Voucher(row) => self.vouchers.push((line, row)),
            Row::Doses(rows) => self.doses.extend(rows.into_iter().map(|row| (line, row))),
            // Its header is refused.
            Row::Batch(_) => {}
        }
    }

    fn is_full(&self) -> bool {
        self.subjects.len() + self.vouchers.len() + self.doses.len() >= CHUNK_ROWS
    }
}
