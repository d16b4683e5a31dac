use crypto::{Cell, RoomKeys};
use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::failed;
use super::schema::import_part;

fn row_name(import: Uuid, part: i32) -> [u8; 20] {
    let mut name = [0; 20];
    let (file, place) = name.split_at_mut(16);
    file.copy_from_slice(import.as_bytes());
    place.copy_from_slice(&part.to_be_bytes());
    name
}

fn cell(row: &[u8; 20]) -> Cell<'_> {
    Cell { table: "import_part", column: "sealed", row, version: 1 }
}

/// Seals a part, before the room's writer is asked for its time.
pub(crate) fn seal(
    keys: &RoomKeys,
    (import, part): (Uuid, i32),
    bytes: &[u8],
) -> Result<Vec<u8>, ApiError> {
    Ok(keys.seal(&cell(&row_name(import, part)), bytes)?)
}

pub(crate) fn insert(
    tx: &mut Tx,
    permit: &Permit,
    (import, part): (Uuid, i32),
    sealed: &[u8],
) -> Result<(), ApiError> {
    diesel::insert_into(import_part::table)
        .values((
            import_part::municipality.eq(permit.municipality().as_str()),
            import_part::import_id.eq(import.as_bytes().as_slice()),
            import_part::part.eq(part),
            import_part::sealed.eq(sealed),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

pub(crate) fn read(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (import, part): (Uuid, i32),
) -> Result<Option<Zeroizing<Vec<u8>>>, ApiError> {
    let sealed: Option<Vec<u8>> = import_part::table
        .filter(import_part::municipality.eq(permit.municipality().as_str()))
        .filter(import_part::import_id.eq(import.as_bytes().as_slice()))
        .filter(import_part::part.eq(part))
        .select(import_part::sealed)
        .first(tx)
        .optional()
        .map_err(failed)?;
    let open = |sealed: Vec<u8>| keys.open(&cell(&row_name(import, part)), &sealed);
    Ok(sealed.map(open).transpose()?)
}

pub(crate) fn delete(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<(), ApiError> {
    let code = permit.municipality();
    let own = import_part::table
        .filter(import_part::municipality.eq(code.as_str()))
        .filter(import_part::import_id.eq(import.as_bytes().as_slice()));
    diesel::delete(own).execute(tx).map(drop).map_err(failed)
}
