use crypto::{Cell, RoomKeys};
use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use domain::subject::SubjectId;
use domain::vaccination::{Provenance, Standing, Vaccination, VaccinationId};
use serde::{Deserialize, Serialize};
use service::ApiError;
use zeroize::Zeroizing;

use super::schema::vaccination;
use super::{broken_row, failed, read_uuid};

/// One version of a dose, with where it came from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    pub vaccination: Vaccination,
    pub provenance: Provenance,
    #[serde(default)]
    pub standing: Standing,
}

/// A version with its place in the dose's history.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: VaccinationId,
    /// 1, 2, 3 …
    pub number: i32,
    pub version: Version,
}

fn cell(row: &[u8; 32], version: i32) -> Result<Cell<'_>, ApiError> {
    let version = u32::try_from(version).map_err(|_| broken_row())?;
    Ok(Cell { table: "vaccination", column: "sealed", row, version })
}

/// A dose's cell is bound to its person too, so it cannot be moved to somebody else.
fn row_name(subject: &SubjectId, id: &VaccinationId) -> [u8; 32] {
    let mut name = [0; 32];
    let (person, dose) = name.split_at_mut(16);
    person.copy_from_slice(subject.0.as_bytes());
    dose.copy_from_slice(id.0.as_bytes());
    name
}

/// The sealed column of a row, for those who write many rows at once.
pub fn seal(
    keys: &RoomKeys,
    (subject, id, number): (&SubjectId, &VaccinationId, i32),
    version: &Version,
) -> Result<Vec<u8>, ApiError> {
    let plain = Zeroizing::new(serde_json::to_vec(version).map_err(|_| broken_row())?);
    Ok(keys.seal(&cell(&row_name(subject, id), number)?, &plain)?)
}

/// Opens a row's sealed column, for those who read many rows at once.
pub fn open(
    keys: &RoomKeys,
    (subject, id, number): (&SubjectId, &VaccinationId, i32),
    sealed: &[u8],
) -> Result<Version, ApiError> {
    let plain = keys.open(&cell(&row_name(subject, id), number)?, sealed)?;
    serde_json::from_slice(&plain).map_err(|_| broken_row())
}

pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (subject, id, number): (&SubjectId, &VaccinationId, i32),
    version: &Version,
) -> Result<(), ApiError> {
    diesel::insert_into(vaccination::table)
        .values((
            vaccination::municipality.eq(permit.municipality().as_str()),
            vaccination::subject_id.eq(subject.0.as_bytes().as_slice()),
            vaccination::id.eq(id.0.as_bytes().as_slice()),
            vaccination::version.eq(number),
            vaccination::sealed.eq(seal(keys, (subject, id, number), version)?),
            vaccination::created_at_unix_ms.eq(crate::operation_log::unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// The doses of a person that count, in order of dose number and date.
pub fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: &SubjectId,
) -> Result<Vec<Vaccination>, ApiError> {
    let held = newest(tx, keys, permit, subject)?;
    let counts = |held: &Held| held.version.standing == Standing::InForce;
    Ok(held.into_iter().filter(counts).map(|held| held.version.vaccination).collect())
}

/// The newest version of each of a person's doses, in order of dose number and date.
pub fn newest(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: &SubjectId,
) -> Result<Vec<Held>, ApiError> {
    let mut doses = versions(tx, keys, permit, subject)?;
    doses.sort_by_key(|held| (held.id, std::cmp::Reverse(held.number)));
    doses.dedup_by_key(|held| held.id);
    doses.sort_by_key(|held| (held.version.vaccination.dose_number, held.version.vaccination.date));
    Ok(doses)
}

/// Every version of every dose of a person, oldest first within a dose.
pub fn versions(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: &SubjectId,
) -> Result<Vec<Held>, ApiError> {
    let rows: Vec<(Vec<u8>, i32, Vec<u8>)> = vaccination::table
        .filter(vaccination::municipality.eq(permit.municipality().as_str()))
        .filter(vaccination::subject_id.eq(subject.0.as_bytes().as_slice()))
        .order((vaccination::id, vaccination::version))
        .select((vaccination::id, vaccination::version, vaccination::sealed))
        .load(tx)
        .map_err(failed)?;
    let read = |(id, number, sealed): (Vec<u8>, i32, Vec<u8>)| {
        let id = VaccinationId(read_uuid(&id)?);
        let version = open(keys, (subject, &id, number), &sealed)?;
        Ok(Held { id, number, version })
    };
    rows.into_iter().map(read).collect()
}
