//! Rows as they leave the register for the ledger: cells, quotes, encoding.
//!
//! Invariant: a cell is made from an [`Exportable`], and an individual number is none, so no file
//! written here can hold one.
//! Invariant: what can't be written as it is, is left out and said, never written differently; the
//! one exception is said too: a cell that a spreadsheet would run begins with an apostrophe.

mod exportable;
mod remark;

use domain::subject::Subject;
use domain::vaccination::{Status, Vaccination};
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, MunicipalityCode};
use encoding_rs::SHIFT_JIS;

pub use self::exportable::Exportable;
use self::exportable::{DoseText, Moment, PlainDay};
pub use self::remark::{Remark, Why};
use crate::layout::{Column, DOSES_1, DOSES_EXPORT_1, DOSES_LEDGER, Layout, SUBJECTS_EXPORT_1};

/// How the bytes of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenAs {
    Utf8,
    /// With the byte order mark that spreadsheets ask for.
    Utf8Bom,
    Cp932,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    CrLf,
    Lf,
}

/// One dose in force, on its way out.
#[derive(Clone)]
pub struct DoseOut {
    pub vaccination: Vaccination,
    /// The room's own voucher for this dose, with the room's code.
    pub voucher: Option<(MunicipalityCode, VoucherNumber)>,
    pub version: u32,
    pub recorded_at_unix_s: i64,
}

impl std::fmt::Debug for DoseOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DoseOut(redacted)")
    }
}

/// Writes lines of one layout into memory; as much as one page holds.
#[derive(Debug)]
pub struct Writer {
    layout: &'static Layout,
    written_as: WrittenAs,
    line_end: LineEnd,
    bytes: Vec<u8>,
    rows: u64,
}

type Cell<'a> = Option<&'a dyn Exportable>;

impl Writer {
    pub fn new(layout: &'static Layout, written_as: WrittenAs, line_end: LineEnd) -> Self {
        Self { layout, written_as, line_end, bytes: Vec::new(), rows: 0 }
    }

    /// What a file begins with; a further page begins without.
    pub fn header(&mut self) {
        if self.written_as == WrittenAs::Utf8Bom {
            self.bytes.extend_from_slice("\u{FEFF}".as_bytes());
        }
        let header = self.layout.header();
        match self.written_as {
            // Our own words, all of which CP932 has.
            WrittenAs::Cp932 => self.bytes.extend_from_slice(&SHIFT_JIS.encode(&header).0),
            WrittenAs::Utf8 | WrittenAs::Utf8Bom => {
                self.bytes.extend_from_slice(header.as_bytes());
            }
        }
        self.end_line();
    }

    /// The bytes, and how many rows they are.
    pub fn finish(self) -> (Vec<u8>, u64) {
        (self.bytes, self.rows)
    }

    /// A person's row; the remarks say what was left out.
    pub fn subject(&mut self, person: &Subject) -> Vec<Remark> {
        if self.layout != &SUBJECTS_EXPORT_1 {
            return vec![not_in_layout()];
        }
        let flags = &person.flags;
        let [moved_out_on, died_on] = [&flags.moved_out_on, &flags.died_on]
            .map(|day| day.as_ref().map(|day| -> &dyn Exportable { day }));
        self.row(&[
            Some(&person.address_number),
            Some(&person.name),
            Some(&person.name_kana),
            Some(&person.birth_date),
            Some(&person.sex),
            moved_out_on,
            died_on,
            Some(&flags.withheld),
            Some(&flags.stopped),
        ])
    }

    /// The rows of a person's doses; the remarks say what was left out.
    pub fn doses(&mut self, address: &AddressNumber, doses: &[DoseOut]) -> Vec<Remark> {
        match self.layout.name {
            name if name == DOSES_LEDGER.name => self.ledger_row(address, doses),
            _ => doses.iter().flat_map(|dose| self.dose_row(address, dose)).collect(),
        }
    }

    fn dose_row(&mut self, address: &AddressNumber, dose: &DoseOut) -> Vec<Remark> {
        let DoseOut { vaccination: shot, voucher, version, recorded_at_unix_s } = dose;
        let text = |text: &'static fn(&Vaccination) -> Option<&str>| text(shot).map(DoseText);
        let [product, kind, venue] = [&PRODUCT, &KIND, &VENUE].map(text);
        let (maker, lot) = (DoseText(&shot.maker), DoseText(&shot.lot));
        let recorded = Moment(*recorded_at_unix_s);
        let code: Cell<'_> = voucher.as_ref().map(|(code, _)| -> &dyn Exportable { code });
        let number: Cell<'_> = voucher.as_ref().map(|(_, number)| -> &dyn Exportable { number });
        let (product, kind, venue) = (cell(&product), cell(&kind), cell(&venue));
        if self.layout == &DOSES_EXPORT_1 {
            return self.row(&[
                Some(address),
                Some(&shot.dose_number),
                Some(&shot.date),
                Some(&maker),
                Some(&lot),
                product,
                kind,
                Some(&shot.status),
                code,
                number,
                venue,
                Some(version),
                Some(&recorded),
            ]);
        }
        if self.layout != &DOSES_1 || !is_plain(shot) {
            return vec![not_in_layout()];
        }
        let (day, nth): (&dyn Exportable, &dyn Exportable) = (&shot.date, &shot.dose_number);
        let (maker, lot): (&dyn Exportable, &dyn Exportable) = (&maker, &lot);
        self.row(&[
            Some(address),
            Some(nth),
            Some(day),
            Some(maker),
            Some(lot),
            product,
            code,
            number,
            venue,
        ])
    }

    /// Two doses a line.
    fn ledger_row(&mut self, address: &AddressNumber, doses: &[DoseOut]) -> Vec<Remark> {
        let has_place = |dose: &&DoseOut| {
            is_plain(&dose.vaccination) && matches!(dose.vaccination.dose_number, 1 | 2)
        };
        let left_out = doses.iter().filter(|dose| !has_place(dose)).count();
        let mut remarks = vec![not_in_layout(); left_out];
        let find = |nth| {
            let found = doses.iter().filter(has_place);
            found.into_iter().find(|dose| dose.vaccination.dose_number == nth).map(LedgerDose::new)
        };
        let both: [Option<LedgerDose<'_>>; 2] = [find(1), find(2)];
        if both.iter().all(Option::is_none) {
            return remarks;
        }
        let mut cells: Vec<Cell<'_>> = vec![Some(address)];
        for dose in &both {
            match dose {
                Some(dose) => cells.extend(dose.cells()),
                None => cells.extend([const { None }; LEDGER_CELLS]),
            }
        }
        remarks.extend(self.row(&cells));
        remarks
    }

    /// Writes a row whole or not at all.
    fn row(&mut self, cells: &[Cell<'_>]) -> Vec<Remark> {
        let (mut line, mut remarks) = (Vec::new(), Vec::new());
        for (index, (column, cell)) in self.layout.columns.iter().zip(cells).enumerate() {
            if index > 0 {
                line.push(b',');
            }
            let text = cell.map(|cell| cell.to_cell()).unwrap_or_default();
            match write_cell(self.written_as, column, text.trim()) {
                Ok((bytes, why)) => {
                    line.extend(bytes);
                    remarks.extend(why.map(|why| Remark { column: Some(column.name), why }));
                }
                Err(why) => return vec![Remark { column: Some(column.name), why }],
            }
        }
        self.bytes.append(&mut line);
        self.end_line();
        self.rows += 1;
        remarks
    }

    fn end_line(&mut self) {
        self.bytes.extend_from_slice(match self.line_end {
            LineEnd::CrLf => b"\r\n",
            LineEnd::Lf => b"\n",
        });
    }
}

/// Cells of one dose in the ledger's layout.
const LEDGER_CELLS: usize = 8;

struct LedgerDose<'a> {
    dose: &'a DoseOut,
    recorded: Moment,
    day: PlainDay,
    venue: Option<DoseText<'a>>,
    maker: DoseText<'a>,
    lot: DoseText<'a>,
}

impl<'a> LedgerDose<'a> {
    fn new(dose: &'a DoseOut) -> Self {
        let shot = &dose.vaccination;
        Self {
            dose,
            recorded: Moment(dose.recorded_at_unix_s),
            day: PlainDay(shot.date),
            venue: VENUE(shot).map(DoseText),
            maker: DoseText(&shot.maker),
            lot: DoseText(&shot.lot),
        }
    }

    fn cells(&self) -> [Cell<'_>; LEDGER_CELLS] {
        let voucher = self.dose.voucher.as_ref();
        [
            Some(&self.recorded),
            Some(&self.day),
            voucher.map(|(_, number)| -> &dyn Exportable { number }),
            voucher.map(|(code, _)| -> &dyn Exportable { code }),
            cell(&self.venue),
            // The doctor's name is not kept.
            None,
            Some(&self.maker),
            Some(&self.lot),
        ]
    }
}

static PRODUCT: fn(&Vaccination) -> Option<&str> = |shot| shot.product.as_deref();
static KIND: fn(&Vaccination) -> Option<&str> = |shot| shot.vaccine_kind.as_deref();
static VENUE: fn(&Vaccination) -> Option<&str> = |shot| shot.venue.as_deref();

fn cell<'a>(text: &'a Option<DoseText<'_>>) -> Cell<'a> {
    text.as_ref().map(|text| -> &dyn Exportable { text })
}

/// Neither a kind of vaccine nor a dose that was not given: what the older layouts know.
fn is_plain(shot: &Vaccination) -> bool {
    shot.status == Status::Done && shot.vaccine_kind.is_none()
}

fn not_in_layout() -> Remark {
    Remark { column: None, why: Why::NotInLayout }
}

/// The bytes of a cell, quoted where it must be.
fn write_cell(
    written_as: WrittenAs,
    column: &Column,
    text: &str,
) -> Result<(Vec<u8>, Option<Why>), Why> {
    if column.required && text.is_empty() {
        return Err(Why::Empty);
    }
    let is_formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let apostrophe = if is_formula { "'" } else { "" };
    let needs_quotes = text.contains(['"', ',']);
    let text = match needs_quotes {
        true => format!("\"{apostrophe}{}\"", text.replace('"', "\"\"")),
        false => format!("{apostrophe}{text}"),
    };
    let bytes = match written_as {
        WrittenAs::Utf8 | WrittenAs::Utf8Bom => text.into_bytes(),
        WrittenAs::Cp932 => to_cp932(&text).ok_or(Why::Unmappable)?,
    };
    Ok((bytes, is_formula.then_some(Why::Neutralised)))
}

/// `None` unless reading the bytes again gives this very text.
fn to_cp932(text: &str) -> Option<Vec<u8>> {
    let (bytes, _, has_lost) = SHIFT_JIS.encode(text);
    let again = SHIFT_JIS.decode_without_bom_handling_and_without_replacement(&bytes);
    let is_same = !has_lost && again.as_deref() == Some(text);
    is_same.then(|| bytes.into_owned())
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
