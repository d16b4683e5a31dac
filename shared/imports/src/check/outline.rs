//! What stands in a file beside a row: read first, so that every row is judged by all others,
//! wherever they stand.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::AddressNumber;
use domain::Likeness;
use domain::vaccination::{Status, Vaccination};
use interchange::{Checker, Conflicts, DoseRow, Reason, Row};
use time::Date;
use wire::imports::FILE_ROWS_MAX;

use super::Stop;
use super::job::Job;
use super::parts::Parts;

/// As much of each dose as other doses are compared with, and how many persons are alike.
#[derive(Default)]
pub(super) struct Outline {
    persons: HashMap<Holder, Doses>,
    alike: HashMap<Holder, usize>,
    words: HashSet<Arc<str>>,
}

/// One person's doses: those of usable rows, and the numbers of the others.
#[derive(Default)]
struct Doses {
    briefs: Vec<Brief>,
    unread: Vec<u16>,
}

/// The beginning of a keyed digest: enough to tell the persons of one file apart.
type Holder = [u8; 16];

struct Brief {
    dose_number: u16,
    date: Date,
    maker: Arc<str>,
    lot: Arc<str>,
    product: Option<Arc<str>>,
}

impl Outline {
    /// Reads the whole file; also says where it contradicts itself.
    pub(super) fn of(job: &Job, mut rows: Checker<Parts<'_>>) -> Result<(Self, Conflicts), Stop> {
        let mut outline = Self::default();
        let mut count: u64 = 0;
        while let Some(row) = rows.next_row()? {
            count += 1;
            if count > FILE_ROWS_MAX {
                break;
            }
            match row {
                Ok(Row::Doses(doses)) => doses.iter().for_each(|dose| outline.add(job, dose)),
                Ok(Row::Subject(row)) => {
                    let likeness = Likeness::new(&row.name_kana, row.birth_date, row.sex);
                    *outline.alike.entry(like(job, &likeness)).or_default() += 1;
                }
                Ok(_) => {}
                // The same row was read before, and stands for both.
                Err(found) if found.iter().all(|one| one.reason == Reason::Duplicate) => {}
                Err(_) => {
                    if let Some((address, numbers)) = rows.came_back() {
                        outline.lose(job, address, numbers);
                    }
                }
            }
        }
        Ok((outline, rows.into_conflicts()))
    }

    /// Doses that were given, but what a row says of them can't be used; one that contradicts it
    /// can't either.
    fn lose(&mut self, job: &Job, address: &AddressNumber, numbers: &[u16]) {
        let doses = self.persons.entry(holder(job, address)).or_default();
        doses.briefs.retain(|brief| !numbers.contains(&brief.dose_number));
        doses.unread.extend(numbers);
    }

    fn add(&mut self, job: &Job, row: &DoseRow) {
        let brief = Brief {
            dose_number: row.dose_number,
            date: row.date,
            maker: self.word(&row.maker),
            lot: self.word(&row.lot),
            product: row.product.as_ref().map(|product| self.word(product)),
        };
        let doses = self.persons.entry(holder(job, &row.address_number)).or_default();
        if !doses.unread.contains(&brief.dose_number) {
            doses.briefs.push(brief);
        }
    }

    /// Makers, lots and products are few: each is kept once.
    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = Arc::from(word);
        self.words.insert(Arc::clone(&word));
        word
    }

    /// The person's doses in the file, and the numbers of those of which nothing more is known.
    pub(super) fn doses(&self, job: &Job, row: &DoseRow) -> (Vec<Vaccination>, &[u16]) {
        match self.persons.get(&holder(job, &row.address_number)) {
            Some(doses) => (doses.briefs.iter().map(Brief::dose).collect(), &doses.unread),
            None => (Vec::new(), &[]),
        }
    }

    /// How many persons of the file are like this one, who is among them.
    pub(super) fn count_like(&self, job: &Job, likeness: &Likeness) -> usize {
        self.alike.get(&like(job, likeness)).copied().unwrap_or_default()
    }
}

impl Brief {
    fn dose(&self) -> Vaccination {
        Vaccination {
            status: Status::Done,
            dose_number: self.dose_number,
            date: self.date,
            maker: self.maker.to_string(),
            lot: self.lot.to_string(),
            product: self.product.as_ref().map(ToString::to_string),
            vaccine_kind: None,
            venue: None,
        }
    }
}

fn holder(job: &Job, number: &AddressNumber) -> Holder {
    let index = job.keys.address_index(number);
    index.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn like(job: &Job, likeness: &Likeness) -> Holder {
    let index = job.keys.likeness_index(likeness);
    index.as_bytes().first_chunk().copied().unwrap_or_default()
}
