//! Looks many rows up at once, for those who read files.

use std::collections::HashMap;

use crypto::RoomKeys;
use db::Tx;
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::vaccination::VaccinationId;
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, IndividualNumber, Permit};
use service::ApiError;

use super::schema::{subject, subject_address, subject_number, vaccination, voucher};
use super::subject::Found;
use super::vaccination::Held;
use super::voucher::Issued;
use super::{broken_row, failed, read_uuid};

/// One statement takes so many values on either engine.
pub const LOOKED_UP_MAX: usize = 1_000;

/// Whether a row that was written at this time counts, in milliseconds since 1970: who reads a room
/// in several steps passes over what was written meanwhile.
pub type Counts<'a> = &'a dyn Fn(i64) -> Result<bool, ApiError>;

fn always(_: i64) -> Result<bool, ApiError> {
    Ok(true)
}

/// Persons by individual number, in the order asked for; that the row is theirs, the sealed number
/// says.
pub fn by_numbers(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    numbers: &[IndividualNumber],
) -> Result<Vec<Option<SubjectId>>, ApiError> {
    let indexes: Vec<[u8; 32]> =
        numbers.iter().map(|number| *keys.blind_index(number).as_bytes()).collect();
    let mut known = HashMap::new();
    for chunk in indexes.chunks(LOOKED_UP_MAX) {
        let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = subject_number::table
            .filter(subject_number::municipality.eq(permit.municipality().as_str()))
            .filter(subject_number::number_index.eq_any(chunk.iter().map(<[u8; 32]>::as_slice)))
            .select((
                subject_number::number_index,
                subject_number::subject_id,
                subject_number::number_sealed,
            ))
            .load(tx)
            .map_err(failed)?;
        known.extend(rows.into_iter().map(|(index, id, sealed)| (index, (id, sealed))));
    }
    let find = |(number, index): (&IndividualNumber, &[u8; 32])| {
        let Some((id, sealed)) = known.get(index.as_slice()) else { return Ok(None) };
        let id = SubjectId(read_uuid(id)?);
        let is_this = super::subject::is_number(keys, (&id, sealed), number)?;
        is_this.then_some(Some(id)).ok_or_else(broken_row)
    };
    numbers.iter().zip(&indexes).map(find).collect()
}

/// Persons by the municipality's own number, in the order asked for.
pub fn by_addresses(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    numbers: &[AddressNumber],
) -> Result<Vec<Option<SubjectId>>, ApiError> {
    let indexes: Vec<[u8; 32]> =
        numbers.iter().map(|number| *keys.address_index(number).as_bytes()).collect();
    let mut known = HashMap::new();
    for chunk in indexes.chunks(LOOKED_UP_MAX) {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = subject_address::table
            .filter(subject_address::municipality.eq(permit.municipality().as_str()))
            .filter(subject_address::address_index.eq_any(chunk.iter().map(<[u8; 32]>::as_slice)))
            .select((subject_address::address_index, subject_address::subject_id))
            .load(tx)
            .map_err(failed)?;
        known.extend(rows);
    }
    let find = |index: &[u8; 32]| {
        known.get(index.as_slice()).map(|id| read_uuid(id).map(SubjectId)).transpose()
    };
    indexes.iter().map(find).collect()
}

/// The newest version of each of these persons' entries.
pub fn subjects(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    ids: &[SubjectId],
) -> Result<HashMap<SubjectId, Found>, ApiError> {
    subjects_as_of(tx, keys, permit, (ids, &always))
}

/// The newest version that counts of each of these persons' entries.
pub fn subjects_as_of(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (ids, counts): (&[SubjectId], Counts<'_>),
) -> Result<HashMap<SubjectId, Found>, ApiError> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(LOOKED_UP_MAX) {
        let rows: Vec<(Vec<u8>, i32, Vec<u8>, i64)> = subject::table
            .filter(subject::municipality.eq(permit.municipality().as_str()))
            .filter(subject::id.eq_any(chunk.iter().map(|id| id.0.as_bytes().as_slice())))
            .order((subject::id, subject::version))
            .select((subject::id, subject::version, subject::sealed, subject::created_at_unix_ms))
            .load(tx)
            .map_err(failed)?;
        // The newest comes last, and stays.
        let mut newest = HashMap::with_capacity(rows.len());
        for (id, version, sealed, written_at) in rows {
            if counts(written_at)? {
                newest.insert(id, (version, sealed));
            }
        }
        for (id, (version, sealed)) in newest {
            let id = SubjectId(read_uuid(&id)?);
            found.insert(id, super::subject::read(keys, id, version, &sealed)?);
        }
    }
    Ok(found)
}

/// Whose dose, which one, which version, what is sealed, and when it was written.
type DoseRow = (Vec<u8>, Vec<u8>, i32, Vec<u8>, i64);

/// The newest version of each of these persons' doses.
pub fn doses(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subjects: &[SubjectId],
) -> Result<HashMap<SubjectId, Vec<Held>>, ApiError> {
    doses_as_of(tx, keys, permit, (subjects, &always))
}

/// The newest version that counts of each of these persons' doses.
pub fn doses_as_of(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (subjects, counts): (&[SubjectId], Counts<'_>),
) -> Result<HashMap<SubjectId, Vec<Held>>, ApiError> {
    let mut found: HashMap<SubjectId, Vec<Held>> = HashMap::with_capacity(subjects.len());
    for chunk in subjects.chunks(LOOKED_UP_MAX) {
        let rows: Vec<DoseRow> = vaccination::table
            .filter(vaccination::municipality.eq(permit.municipality().as_str()))
            .filter(
                vaccination::subject_id.eq_any(chunk.iter().map(|id| id.0.as_bytes().as_slice())),
            )
            .order((vaccination::subject_id, vaccination::id, vaccination::version))
            .select((
                vaccination::subject_id,
                vaccination::id,
                vaccination::version,
                vaccination::sealed,
                vaccination::created_at_unix_ms,
            ))
            .load(tx)
            .map_err(failed)?;
        // The newest comes last, and stays.
        let mut newest = HashMap::with_capacity(rows.len());
        for (subject, id, version, sealed, written_at) in rows {
            if counts(written_at)? {
                newest.insert((subject, id), (version, sealed));
            }
        }
        for ((subject, id), (number, sealed)) in newest {
            let (subject, id) = (SubjectId(read_uuid(&subject)?), VaccinationId(read_uuid(&id)?));
            let version = super::vaccination::open(keys, (&subject, &id, number), &sealed)?;
            found.entry(subject).or_default().push(Held { id, number, version });
        }
    }
    Ok(found)
}

/// The vouchers that were issued under these numbers, by number's place in the list.
pub fn vouchers(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    numbers: &[VoucherNumber],
) -> Result<Vec<Vec<Issued>>, ApiError> {
    let indexes: Vec<[u8; 32]> =
        numbers.iter().map(|number| *keys.voucher_index(number).as_bytes()).collect();
    let mut known: HashMap<Vec<u8>, Vec<Issued>> = HashMap::new();
    for chunk in indexes.chunks(LOOKED_UP_MAX) {
        let rows: Vec<super::voucher::Row> = voucher::table
            .filter(voucher::municipality.eq(permit.municipality().as_str()))
            .filter(voucher::voucher_index.eq_any(chunk.iter().map(<[u8; 32]>::as_slice)))
            .order((voucher::voucher_index, voucher::dose_number))
            .select(super::voucher::Row::as_select())
            .load(tx)
            .map_err(failed)?;
        for row in rows {
            let index = row.voucher_index.clone();
            known.entry(index).or_default().push(super::voucher::read(keys, row)?);
        }
    }
    let find = |index: &[u8; 32]| known.get(index.as_slice()).cloned().unwrap_or_default();
    Ok(indexes.iter().map(find).collect())
}

/// All vouchers of these persons.
pub fn vouchers_of(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subjects: &[SubjectId],
) -> Result<HashMap<SubjectId, Vec<Issued>>, ApiError> {
    vouchers_as_of(tx, keys, permit, (subjects, &always))
}

/// All vouchers of these persons that count.
pub fn vouchers_as_of(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (subjects, counts): (&[SubjectId], Counts<'_>),
) -> Result<HashMap<SubjectId, Vec<Issued>>, ApiError> {
    let mut found: HashMap<SubjectId, Vec<Issued>> = HashMap::new();
    for chunk in subjects.chunks(LOOKED_UP_MAX) {
        let rows: Vec<(super::voucher::Row, i64)> = voucher::table
            .filter(voucher::municipality.eq(permit.municipality().as_str()))
            .filter(voucher::subject_id.eq_any(chunk.iter().map(|id| id.0.as_bytes().as_slice())))
            .order((voucher::subject_id, voucher::dose_number, voucher::voucher_index))
            .select((super::voucher::Row::as_select(), voucher::created_at_unix_ms))
            .load(tx)
            .map_err(failed)?;
        for (row, written_at) in rows {
            if !counts(written_at)? {
                continue;
            }
            let issued = super::voucher::read(keys, row)?;
            found.entry(issued.subject).or_default().push(issued);
        }
    }
    Ok(found)
}

/// The next persons of the room after this one, in the order of their handles.
pub fn people_after(
    tx: &mut Tx,
    permit: &Permit,
    after: Option<SubjectId>,
    limit: u16,
) -> Result<Vec<SubjectId>, ApiError> {
    let after = after.map_or_else(Vec::new, |id| id.0.as_bytes().to_vec());
    let rows: Vec<Vec<u8>> = subject::table
        .filter(subject::municipality.eq(permit.municipality().as_str()))
        .filter(subject::id.gt(after))
        .order(subject::id)
        .select(subject::id)
        .distinct()
        .limit(i64::from(limit))
        .load(tx)
        .map_err(failed)?;
    rows.iter().map(|id| read_uuid(id).map(SubjectId)).collect()
}
