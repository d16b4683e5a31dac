use crypto::{Purpose, RoomKeys, Signature};
use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;
use wire::Base64Bytes;
use wire::partition::{Inspection, SignedInspection};

use super::schema::inspection;
use super::{broken_row, failed};
use crate::problems::INSPECTION_ALTERED;

/// Keeps an inspection under the lines it looked at; nobody else has looked at just as many.
pub fn insert(
    tx: &mut Tx,
    permit: &Permit,
    (to_sequence, month): (u64, i32),
    signed: &SignedInspection,
) -> Result<(), ApiError> {
    diesel::insert_into(inspection::table)
        .values((
            inspection::municipality.eq(permit.municipality().as_str()),
            inspection::to_sequence.eq(i64::try_from(to_sequence).map_err(|_| broken_row())?),
            inspection::month.eq(month),
            inspection::body.eq(signed.inspection.as_bytes()),
            inspection::signature.eq(&signed.signature.0),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// The newest inspection, as the room signed it.
pub fn last(tx: &mut Tx, keys: &RoomKeys, permit: &Permit) -> Result<Option<Inspection>, ApiError> {
    let row: Option<(Vec<u8>, Vec<u8>)> = inspection::table
        .filter(inspection::municipality.eq(permit.municipality().as_str()))
        .order(inspection::to_sequence.desc())
        .select((inspection::body, inspection::signature))
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|row| read(keys, row).map(|(inspection, _)| inspection)).transpose()
}

/// A month's inspections, oldest first, each as the room signed it.
pub fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    month: i32,
) -> Result<Vec<(Inspection, SignedInspection)>, ApiError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = inspection::table
        .filter(inspection::municipality.eq(permit.municipality().as_str()))
        .filter(inspection::month.eq(month))
        .order(inspection::to_sequence)
        .select((inspection::body, inspection::signature))
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

fn read(
    keys: &RoomKeys,
    (body, signature): (Vec<u8>, Vec<u8>),
) -> Result<(Inspection, SignedInspection), ApiError> {
    let altered = || ApiError::new(&INSPECTION_ALTERED);
    let word = Signature::try_from(signature.as_slice()).map_err(|_| altered())?;
    keys.public_keys().verify(Purpose::Inspection, &body, &word).map_err(|_| altered())?;
    let inspection = serde_json::from_slice(&body).map_err(|_| altered())?;
    let text = String::from_utf8(body).map_err(|_| altered())?;
    Ok((inspection, SignedInspection { inspection: text, signature: Base64Bytes(signature) }))
}
