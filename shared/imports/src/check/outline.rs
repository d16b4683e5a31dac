//! Who has which doses in a file: read first, so that a row is judged beside all others of its
//! person, wherever they stand.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::AddressNumber;
use domain::vaccination::{Status, Vaccination};
use interchange::{Checker, DoseRow, Row};
use time::Date;
use wire::imports::FILE_ROWS_MAX;

use super::Stop;
use super::job::Job;
use super::parts::Parts;

/// As much of each dose as other doses are compared with.
#[derive(Default)]
pub(super) struct Outline {
    doses: HashMap<Holder, Vec<Brief>>,
    words: HashSet<Arc<str>>,
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
    pub(super) fn of(job: &Job, mut rows: Checker<Parts<'_>>) -> Result<Self, Stop> {
        let mut outline = Self::default();
        let mut count: u64 = 0;
        while let Some(row) = rows.next_row()? {
            count += 1;
            if count > FILE_ROWS_MAX {
                break;
            }
            if let Ok(Row::Doses(doses)) = row {
                doses.iter().for_each(|dose| outline.add(job, dose));
            }
        }
        Ok(outline)
    }

    fn add(&mut self, job: &Job, row: &DoseRow) {
        let brief = Brief {
            dose_number: row.dose_number,
            date: row.date,
            maker: self.word(&row.maker),
            lot: self.word(&row.lot),
            product: row.product.as_ref().map(|product| self.word(product)),
        };
        self.doses.entry(holder(job, &row.address_number)).or_default().push(brief);
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

    /// The person's doses in the file, of other numbers than this one.
    pub(super) fn others(&self, job: &Job, row: &DoseRow) -> Vec<Vaccination> {
        let all = self.doses.get(&holder(job, &row.address_number));
        let others = all.into_iter().flatten();
        others.filter(|brief| brief.dose_number != row.dose_number).map(Brief::dose).collect()
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
