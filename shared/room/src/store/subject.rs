use crypto::{Cell, RoomKeys};
use db::Tx;
use diesel::prelude::*;
use domain::review::Known;
use domain::subject::{Flags, Sex, Subject, SubjectId};
use domain::vaccination::Provenance;
use domain::{AddressNumber, IndividualNumber, Likeness, Permit, PersonalText};
use serde::{Deserialize, Serialize};
use service::ApiError;
use time::Date;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::schema::{subject, subject_address, subject_number};
use super::{broken_row, failed, read_uuid};

/// A version of a person's entry.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: SubjectId,
    pub version: i32,
    pub subject: Subject,
    /// Who made this version, and why; unknown for the oldest rows.
    pub provenance: Option<Provenance>,
}

/// What is inside the sealed column; lives only between a cell and a [`Subject`].
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Plain {
    address_number: String,
    name: String,
    name_kana: String,
    #[zeroize(skip)]
    #[serde(with = "domain::vaccination::iso_date")]
    birth_date: Date,
    #[zeroize(skip)]
    sex: Sex,
    #[zeroize(skip)]
    flags: Flags,
    #[zeroize(skip)]
    #[serde(default)]
    provenance: Option<Provenance>,
}

fn subject_cell(id: &SubjectId, version: i32) -> Result<Cell<'_>, ApiError> {
    let version = u32::try_from(version).map_err(|_| broken_row())?;
    Ok(Cell { table: "subject", column: "sealed", row: id.0.as_bytes(), version })
}

fn number_cell(id: &SubjectId) -> Cell<'_> {
    Cell { table: "subject_number", column: "number_sealed", row: id.0.as_bytes(), version: 1 }
}

/// The sealed column of a row, for those who write many rows at once.
pub fn seal(keys: &RoomKeys, found: &Found) -> Result<Vec<u8>, ApiError> {
    let Found { id, version, subject: person, provenance } = found;
    let plain = Plain {
        address_number: person.address_number.reveal().to_owned(),
        name: person.name.reveal().to_owned(),
        name_kana: person.name_kana.reveal().to_owned(),
        birth_date: person.birth_date,
        sex: person.sex,
        flags: person.flags,
        provenance: provenance.clone(),
    };
    let plain = Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| broken_row())?);
    Ok(keys.seal(&subject_cell(id, *version)?, &plain)?)
}

/// The sealed number of a person, for those who write many rows at once.
pub fn seal_number(
    keys: &RoomKeys,
    id: &SubjectId,
    number: &IndividualNumber,
) -> Result<Vec<u8>, ApiError> {
    Ok(keys.seal(&number_cell(id), number.reveal().as_bytes())?)
}

/// Whether a sealed number is this very one: the index only finds the row.
pub(super) fn is_number(
    keys: &RoomKeys,
    (id, sealed): (&SubjectId, &[u8]),
    number: &IndividualNumber,
) -> Result<bool, ApiError> {
    let plain = keys.open(&number_cell(id), sealed)?;
    Ok(plain.as_slice() == number.reveal().as_bytes())
}

/// Writes the next version of a person's entry.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    found: &Found,
) -> Result<(), ApiError> {
    let Found { id, version, subject: person, .. } = found;
    diesel::insert_into(subject::table)
        .values((
            subject::municipality.eq(permit.municipality().as_str()),
            subject::id.eq(id.0.as_bytes().as_slice()),
            subject::version.eq(version),
            subject::sealed.eq(seal(keys, found)?),
            subject::created_at_unix_ms.eq(crate::operation_log::unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map_err(failed)?;
    super::likeness::insert(tx, keys, permit, &[(Likeness::of(person), *id)])?;
    insert_address(tx, keys, permit, (&person.address_number, id))
}

/// Ties the municipality's own number to a person.
fn insert_address(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (number, id): (&AddressNumber, &SubjectId),
) -> Result<(), ApiError> {
    match find_by_address(tx, keys, permit, number)? {
        Some(known) if known == *id => return Ok(()),
        Some(_) => return Err(ApiError::new(&crate::problems::ADDRESS_TAKEN)),
        None => {}
    }
    diesel::insert_into(subject_address::table)
        .values((
            subject_address::municipality.eq(permit.municipality().as_str()),
            subject_address::address_index.eq(keys.address_index(number).as_bytes().as_slice()),
            subject_address::subject_id.eq(id.0.as_bytes().as_slice()),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// Whom the municipality's own number means; the person's entry says the number again.
pub fn find_by_address(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    number: &AddressNumber,
) -> Result<Option<SubjectId>, ApiError> {
    let row: Option<Vec<u8>> = subject_address::table
        .filter(subject_address::municipality.eq(permit.municipality().as_str()))
        .filter(subject_address::address_index.eq(keys.address_index(number).as_bytes().as_slice()))
        .select(subject_address::subject_id)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|id| read_uuid(&id).map(SubjectId)).transpose()
}

/// Ties a number to a person, apart from the person's entry.
pub fn insert_number(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    number: &IndividualNumber,
    id: &SubjectId,
) -> Result<(), ApiError> {
    diesel::insert_into(subject_number::table)
        .values((
            subject_number::municipality.eq(permit.municipality().as_str()),
            subject_number::number_index.eq(keys.blind_index(number).as_bytes().as_slice()),
            subject_number::subject_id.eq(id.0.as_bytes().as_slice()),
            subject_number::number_sealed.eq(seal_number(keys, id, number)?),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// The person who has this number in this room.
///
/// The index only finds the row; that it is this person's, the sealed number says, which is bound to
/// the person.  So rows that somebody with the database's rights has mixed up lead to an error, not
/// to another person's records.
pub fn find_by_number(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    number: &IndividualNumber,
) -> Result<Option<SubjectId>, ApiError> {
    let row: Option<(Vec<u8>, Vec<u8>)> = subject_number::table
        .filter(subject_number::municipality.eq(permit.municipality().as_str()))
        .filter(subject_number::number_index.eq(keys.blind_index(number).as_bytes().as_slice()))
        .select((subject_number::subject_id, subject_number::number_sealed))
        .first(tx)
        .optional()
        .map_err(failed)?;
    let Some((id, sealed)) = row else { return Ok(None) };
    let id = SubjectId(read_uuid(&id)?);
    is_number(keys, (&id, &sealed), number)?.then_some(Some(id)).ok_or_else(broken_row)
}

/// A person's number, for what is told of the person to another municipality; `None` once it is
/// erased.
pub fn number_of(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: SubjectId,
) -> Result<Option<IndividualNumber>, ApiError> {
    let sealed: Option<Vec<u8>> = subject_number::table
        .filter(subject_number::municipality.eq(permit.municipality().as_str()))
        .filter(subject_number::subject_id.eq(id.0.as_bytes().as_slice()))
        .select(subject_number::number_sealed)
        .first(tx)
        .optional()
        .map_err(failed)?;
    let Some(sealed) = sealed else { return Ok(None) };
    let plain = keys.open(&number_cell(&id), &sealed)?;
    let digits = std::str::from_utf8(&plain).map_err(|_| broken_row())?;
    IndividualNumber::parse(digits).map(Some).map_err(|_| broken_row())
}

/// What the check for misuse may compare of a person.
pub fn known(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: SubjectId,
) -> Result<Option<Known>, ApiError> {
    let registered_at_unix_ms: Option<i64> = subject::table
        .filter(subject::municipality.eq(permit.municipality().as_str()))
        .filter(subject::id.eq(id.0.as_bytes().as_slice()))
        .order(subject::version)
        .select(subject::created_at_unix_ms)
        .first(tx)
        .optional()
        .map_err(failed)?;
    let found = find(tx, keys, permit, id)?;
    Ok(registered_at_unix_ms.zip(found).map(|(at, found)| Known::new(&found.subject, at)))
}

/// The newest version of a person's entry.
pub fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: SubjectId,
) -> Result<Option<Found>, ApiError> {
    let row: Option<(i32, Vec<u8>)> = subject::table
        .filter(subject::municipality.eq(permit.municipality().as_str()))
        .filter(subject::id.eq(id.0.as_bytes().as_slice()))
        .order(subject::version.desc())
        .select((subject::version, subject::sealed))
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|(version, sealed)| read(keys, id, version, &sealed)).transpose()
}

/// Every version of a person's entry, oldest first.
pub fn versions(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: SubjectId,
) -> Result<Vec<Found>, ApiError> {
    let rows: Vec<(i32, Vec<u8>)> = subject::table
        .filter(subject::municipality.eq(permit.municipality().as_str()))
        .filter(subject::id.eq(id.0.as_bytes().as_slice()))
        .order(subject::version)
        .select((subject::version, subject::sealed))
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|(version, sealed)| read(keys, id, version, &sealed)).collect()
}

/// Opens a row's sealed column, for those who read many rows at once.
pub fn read(
    keys: &RoomKeys,
    id: SubjectId,
    version: i32,
    sealed: &[u8],
) -> Result<Found, ApiError> {
    let plain = keys.open(&subject_cell(&id, version)?, sealed)?;
    let mut plain: Plain = serde_json::from_slice(&plain).map_err(|_| broken_row())?;
    let subject = Subject {
        address_number: AddressNumber::parse(&plain.address_number).map_err(|_| broken_row())?,
        name: PersonalText::parse(&plain.name).map_err(|_| broken_row())?,
        name_kana: PersonalText::parse(&plain.name_kana).map_err(|_| broken_row())?,
        birth_date: plain.birth_date,
        sex: plain.sex,
        flags: plain.flags,
    };
    Ok(Found { id, version, subject, provenance: plain.provenance.take() })
}
