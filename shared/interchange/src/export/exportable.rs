use std::borrow::Cow;

use domain::subject::Sex;
use domain::vaccination::Status;
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, MunicipalityCode, PersonalText};
use time::{Date, OffsetDateTime, UtcOffset};

/// What may stand in a cell of an exported file.
///
/// Written for each type by hand: an individual number has no such text, nor has anything that can
/// be turned into one.
pub trait Exportable {
    fn to_cell(&self) -> Cow<'_, str>;
}

impl Exportable for AddressNumber {
    fn to_cell(&self) -> Cow<'_, str> {
        self.reveal().into()
    }
}

impl Exportable for PersonalText {
    fn to_cell(&self) -> Cow<'_, str> {
        self.reveal().into()
    }
}

impl Exportable for VoucherNumber {
    fn to_cell(&self) -> Cow<'_, str> {
        self.reveal().into()
    }
}

impl Exportable for MunicipalityCode {
    fn to_cell(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

impl Exportable for Date {
    fn to_cell(&self) -> Cow<'_, str> {
        format!("{:04}-{:02}-{:02}", self.year(), u8::from(self.month()), self.day()).into()
    }
}

impl Exportable for u16 {
    fn to_cell(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl Exportable for u32 {
    fn to_cell(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl Exportable for bool {
    fn to_cell(&self) -> Cow<'_, str> {
        if *self { "1" } else { "0" }.into()
    }
}

impl Exportable for Sex {
    fn to_cell(&self) -> Cow<'_, str> {
        match self {
            Self::Male => "1",
            Self::Female => "2",
            Self::NotApplicable => "9",
        }
        .into()
    }
}

impl Exportable for Status {
    fn to_cell(&self) -> Cow<'_, str> {
        match self {
            Self::Done => "1",
            Self::NotDone => "2",
        }
        .into()
    }
}

/// A text of a dose: maker, lot, product, kind, venue.
#[derive(Clone, Copy)]
pub(super) struct DoseText<'a>(pub(super) &'a str);

impl Exportable for DoseText<'_> {
    fn to_cell(&self) -> Cow<'_, str> {
        self.0.into()
    }
}

/// A moment in Japan, as the ledger writes it: YYYYMMDDHHMMSS.
pub(super) struct Moment(pub(super) i64);

impl Exportable for Moment {
    fn to_cell(&self) -> Cow<'_, str> {
        let at = OffsetDateTime::from_unix_timestamp(self.0).ok();
        let at = UtcOffset::from_hms(9, 0, 0).ok().and_then(|japan| at?.checked_to_offset(japan));
        let Some(at) = at else { return "".into() };
        let (hour, minute, second) = at.to_hms();
        format!("{}{hour:02}{minute:02}{second:02}", plain_day(at.date())).into()
    }
}

/// A day as the ledger writes it: YYYYMMDD.
pub(super) struct PlainDay(pub(super) Date);

impl Exportable for PlainDay {
    fn to_cell(&self) -> Cow<'_, str> {
        plain_day(self.0).into()
    }
}

fn plain_day(day: Date) -> String {
    format!("{:04}{:02}{:02}", day.year(), u8::from(day.month()), day.day())
}
