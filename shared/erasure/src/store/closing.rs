use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use room::operation_log::unix_ms;
use room::store::{failed, read_uuid};
use service::ApiError;
use uuid::Uuid;
use wire::erasure::RoomClosing;

use super::schema::room_closing;

pub(crate) fn insert(tx: &mut Tx, permit: &Permit, (id, by): (Uuid, &str)) -> Result<(), ApiError> {
    diesel::insert_into(room_closing::table)
        .values((
            room_closing::municipality.eq(permit.municipality().as_str()),
            room_closing::id.eq(id.as_bytes().as_slice()),
            room_closing::proposed_by.eq(by),
            room_closing::proposed_at_unix_ms.eq(unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Row = (Vec<u8>, String, Option<String>);

type Columns = (room_closing::id, room_closing::proposed_by, room_closing::slip);

const COLUMNS: Columns = (room_closing::id, room_closing::proposed_by, room_closing::slip);

fn read((id, proposed_by, slip): Row) -> Result<RoomClosing, ApiError> {
    Ok(RoomClosing { closing: read_uuid(&id)?, closed: slip.is_some(), proposed_by, slip })
}

pub(crate) fn find(
    tx: &mut Tx,
    permit: &Permit,
    id: Uuid,
) -> Result<Option<RoomClosing>, ApiError> {
    let row: Option<Row> = room_closing::table
        .filter(room_closing::municipality.eq(permit.municipality().as_str()))
        .filter(room_closing::id.eq(id.as_bytes().as_slice()))
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

/// The closing that two persons agreed on; the keys may not be destroyed yet.
pub(crate) fn agreed(tx: &mut Tx, permit: &Permit) -> Result<Option<RoomClosing>, ApiError> {
    let row: Option<Row> = room_closing::table
        .filter(room_closing::municipality.eq(permit.municipality().as_str()))
        .filter(room_closing::slip.is_not_null())
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

pub(crate) fn agree(
    tx: &mut Tx,
    permit: &Permit,
    (id, by, slip): (Uuid, &str, &str),
) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let row = room_closing::table
        .filter(room_closing::municipality.eq(municipality.as_str()))
        .filter(room_closing::id.eq(id.as_bytes().as_slice()));
    diesel::update(row)
        .set((
            room_closing::approved_by.eq(by),
            room_closing::approved_at_unix_ms.eq(unix_ms(permit.context().at)),
            room_closing::slip.eq(slip),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}
