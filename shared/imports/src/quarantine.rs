//! Rows that wait for a person: what was given, what is doubtful about it, what was probably meant.
//!
//! Whoever reads rows (a file, the captures of the venues) puts the doubtful ones here instead of
//! into the register; nothing is overwritten and nothing is dropped without a person's decision.

use domain::subject::{Sex, SubjectId};
use domain::vaccination::{Vaccination, iso_date};
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, IndividualNumber, MunicipalityCode, PersonalText};
use interchange::SubjectRow;
use quality::{Doubt, DoubtKind, Likely, Neighbour};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use crate::store::quarantine::{discard_staged, insert, open_staged};

/// Where a row came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Import(Uuid),
    Capture(Uuid),
}

/// Whether a person sees the row already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its file has not been approved yet.
    Staged,
    Open,
}

/// A doubtful row.
#[derive(Clone, Debug)]
pub struct Doubtful {
    pub origin: Origin,
    /// Of the file, from 1; 0 for a capture.
    pub line: u64,
    pub row: Row,
    /// The first one is what the row is filed under; there is at least one.
    pub doubts: Vec<Doubt>,
}

/// What was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Subject(SubjectRow),
    Dose(GivenDose),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenDose {
    /// Whose dose it is said to be; a capture whose voucher was never issued names nobody.
    pub subject: Option<SubjectId>,
    pub dose: Vaccination,
    pub voucher: Option<(MunicipalityCode, VoucherNumber)>,
}

impl Row {
    pub(crate) fn subject(&self) -> Option<SubjectId> {
        match self {
            Self::Subject(_) => None,
            Self::Dose(given) => given.subject,
        }
    }
}

/// What is inside the sealed column.
#[derive(Serialize, Deserialize)]
pub(crate) struct Plain {
    row: PlainRow,
    doubts: Vec<PlainDoubt>,
}

#[derive(Serialize, Deserialize)]
enum PlainRow {
    Subject(PlainSubject),
    Dose { subject: Option<Uuid>, dose: Vaccination, voucher: Option<(MunicipalityCode, String)> },
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct PlainSubject {
    individual_number: String,
    address_number: String,
    name: String,
    name_kana: String,
    #[zeroize(skip)]
    #[serde(with = "iso_date")]
    birth_date: Date,
    #[zeroize(skip)]
    sex: Sex,
    #[zeroize(skip)]
    #[serde(with = "iso_date::option")]
    moved_out_on: Option<Date>,
    #[zeroize(skip)]
    #[serde(with = "iso_date::option")]
    died_on: Option<Date>,
}

#[derive(Serialize, Deserialize)]
struct PlainDoubt {
    code: String,
    likely: Option<PlainLikely>,
}

#[derive(Serialize, Deserialize)]
enum PlainLikely {
    Dose(Vaccination),
    Voucher { number: String, subject: Uuid, of_same_person: bool, doses: Vec<u16> },
    Person(Uuid),
}

type Text = Zeroizing<Vec<u8>>;

/// The row alone, by which it is known again; and with its doubts, as it is kept.
pub(crate) fn written(row: &Row, doubts: &[Doubt]) -> serde_json::Result<(Text, Text)> {
    let row = PlainRow::from(row);
    let alone = Zeroizing::new(serde_json::to_vec(&row)?);
    let doubts = doubts.iter().map(PlainDoubt::from).collect();
    Ok((alone, Zeroizing::new(serde_json::to_vec(&Plain { row, doubts })?)))
}

/// Reads a sealed column's content back; `None` if it is not what [`written`] wrote.
pub(crate) fn read(plain: &[u8]) -> Option<(Row, Vec<Doubt>)> {
    let Plain { row, doubts } = serde_json::from_slice(plain).ok()?;
    let doubts = doubts.into_iter().map(PlainDoubt::read).collect::<Option<_>>()?;
    Some((row.read()?, doubts))
}

impl From<&Row> for PlainRow {
    fn from(row: &Row) -> Self {
        match row {
            Row::Subject(row) => Self::Subject(PlainSubject {
                individual_number: row.individual_number.reveal().to_owned(),
                address_number: row.address_number.reveal().to_owned(),
                name: row.name.reveal().to_owned(),
                name_kana: row.name_kana.reveal().to_owned(),
                birth_date: row.birth_date,
                sex: row.sex,
                moved_out_on: row.moved_out_on,
                died_on: row.died_on,
            }),
            Row::Dose(GivenDose { subject, dose, voucher }) => Self::Dose {
                subject: subject.map(|subject| subject.0),
                dose: dose.clone(),
                voucher: voucher.as_ref().map(|(code, number)| (*code, number.reveal().to_owned())),
            },
        }
    }
}

impl PlainRow {
    fn read(self) -> Option<Row> {
        match self {
            Self::Subject(plain) => Some(Row::Subject(SubjectRow {
                individual_number: IndividualNumber::parse(&plain.individual_number).ok()?,
                address_number: AddressNumber::parse(&plain.address_number).ok()?,
                name: PersonalText::parse(&plain.name).ok()?,
                name_kana: PersonalText::parse(&plain.name_kana).ok()?,
                birth_date: plain.birth_date,
                sex: plain.sex,
                moved_out_on: plain.moved_out_on,
                died_on: plain.died_on,
            })),
            Self::Dose { subject, dose, voucher } => {
                let voucher = match voucher {
                    Some((code, number)) => Some((code, VoucherNumber::parse(&number).ok()?)),
                    None => None,
                };
                Some(Row::Dose(GivenDose { subject: subject.map(SubjectId), dose, voucher }))
            }
        }
    }
}

impl From<&Doubt> for PlainDoubt {
    fn from(doubt: &Doubt) -> Self {
        let likely = doubt.likely.as_ref().map(|likely| match likely {
            Likely::Dose(dose) => PlainLikely::Dose(dose.clone()),
            Likely::Voucher(Neighbour { number, subject, of_same_person, doses }) => {
                PlainLikely::Voucher {
                    number: number.reveal().to_owned(),
                    subject: subject.0,
                    of_same_person: *of_same_person,
                    doses: doses.clone(),
                }
            }
            Likely::Person(subject) => PlainLikely::Person(subject.0),
        });
        Self { code: doubt.kind.code().to_owned(), likely }
    }
}

impl PlainDoubt {
    fn read(self) -> Option<Doubt> {
        let likely = match self.likely {
            None => None,
            Some(PlainLikely::Dose(dose)) => Some(Likely::Dose(dose)),
            Some(PlainLikely::Person(subject)) => Some(Likely::Person(SubjectId(subject))),
            Some(PlainLikely::Voucher { number, subject, of_same_person, doses }) => {
                let number = VoucherNumber::parse(&number).ok()?;
                let subject = SubjectId(subject);
                Some(Likely::Voucher(Neighbour { number, subject, of_same_person, doses }))
            }
        };
        Some(Doubt { kind: DoubtKind::of_code(&self.code)?, likely })
    }
}
