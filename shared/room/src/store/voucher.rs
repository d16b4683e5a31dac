use crypto::{Cell, RoomKeys};
use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use domain::subject::SubjectId;
use domain::vaccination::{Provenance, iso_date};
use domain::voucher::VoucherNumber;
use serde::{Deserialize, Serialize};
use service::ApiError;
use time::Date;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::schema::voucher;
use super::{broken_row, failed, read_uuid};

/// A voucher (接種券) that was issued to a person of this room, for one dose.
#[derive(Clone, Debug)]
pub struct Issued {
    pub subject: SubjectId,
    pub number: VoucherNumber,
    pub dose_number: u16,
    pub issued_on: Date,
    pub provenance: Provenance,
}

/// What is inside the sealed column.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Plain {
    number: String,
    #[zeroize(skip)]
    #[serde(with = "iso_date")]
    issued_on: Date,
    #[zeroize(skip)]
    provenance: Provenance,
}

/// Bound to person, voucher and dose, so that no row can be turned into another one.
fn row_name(subject: &SubjectId, index: &[u8], dose_number: u16) -> Vec<u8> {
    [subject.0.as_bytes().as_slice(), index, &dose_number.to_be_bytes()].concat()
}

fn cell(row: &[u8]) -> Cell<'_> {
    Cell { table: "voucher", column: "sealed", row, version: 1 }
}

/// The sealed column of a row, for those who write many rows at once.
pub fn seal(keys: &RoomKeys, issued: &Issued) -> Result<Vec<u8>, ApiError> {
    let index = keys.voucher_index(&issued.number);
    let plain = Plain {
        number: issued.number.reveal().to_owned(),
        issued_on: issued.issued_on,
        provenance: issued.provenance.clone(),
    };
    let plain = Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| broken_row())?);
    let row = row_name(&issued.subject, index.as_bytes(), issued.dose_number);
    Ok(keys.seal(&cell(&row), &plain)?)
}

pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    issued: &Issued,
) -> Result<(), ApiError> {
    let index = keys.voucher_index(&issued.number);
    diesel::insert_into(voucher::table)
        .values((
            voucher::municipality.eq(permit.municipality().as_str()),
            voucher::voucher_index.eq(index.as_bytes().as_slice()),
            voucher::dose_number.eq(i32::from(issued.dose_number)),
            voucher::subject_id.eq(issued.subject.0.as_bytes().as_slice()),
            voucher::sealed.eq(seal(keys, issued)?),
            voucher::created_at_unix_ms.eq(crate::operation_log::unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// A voucher's row, still sealed.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = voucher)]
pub struct Row {
    pub voucher_index: Vec<u8>,
    dose_number: i32,
    subject_id: Vec<u8>,
    sealed: Vec<u8>,
}

/// The vouchers with this number: one for each dose, all of one person.
pub fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    number: &VoucherNumber,
) -> Result<Vec<Issued>, ApiError> {
    let index = keys.voucher_index(number);
    let rows: Vec<Row> = voucher::table
        .filter(voucher::municipality.eq(permit.municipality().as_str()))
        .filter(voucher::voucher_index.eq(index.as_bytes().as_slice()))
        .order(voucher::dose_number)
        .select(Row::as_select())
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// All vouchers of a person.
pub fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: &SubjectId,
) -> Result<Vec<Issued>, ApiError> {
    let rows: Vec<Row> = voucher::table
        .filter(voucher::municipality.eq(permit.municipality().as_str()))
        .filter(voucher::subject_id.eq(subject.0.as_bytes().as_slice()))
        .order((voucher::dose_number, voucher::voucher_index))
        .select(Row::as_select())
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// Opens a row, for those who read many at once.
pub fn read(keys: &RoomKeys, row: Row) -> Result<Issued, ApiError> {
    let Row { voucher_index: index, dose_number, subject_id, sealed } = row;
    let subject = SubjectId(read_uuid(&subject_id)?);
    let dose_number = u16::try_from(dose_number).map_err(|_| broken_row())?;
    let plain = keys.open(&cell(&row_name(&subject, &index, dose_number)), &sealed)?;
    let plain: Plain = serde_json::from_slice(&plain).map_err(|_| broken_row())?;
    let number = VoucherNumber::parse(&plain.number).map_err(|_| broken_row())?;
    let (issued_on, provenance) = (plain.issued_on, plain.provenance.clone());
    Ok(Issued { subject, number, dose_number, issued_on, provenance })
}
