use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use room::store::{broken_row, failed, read_uuid};
use service::ApiError;
use uuid::Uuid;
use wire::erasure::{Rotation, RotationState};

use super::schema::key_rotation;
use super::{read_word, word};

/// A rotation as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub rotation: Rotation,
    /// The newest data key when it began.
    pub former_key: u32,
}

pub(crate) fn insert(
    tx: &mut Tx,
    permit: &Permit,
    (kept, by): (&Kept, &str),
) -> Result<(), ApiError> {
    let Kept { rotation, former_key } = kept;
    diesel::insert_into(key_rotation::table)
        .values((
            key_rotation::municipality.eq(permit.municipality().as_str()),
            key_rotation::id.eq(rotation.rotation.as_bytes().as_slice()),
            key_rotation::former_key.eq(i32::try_from(*former_key).map_err(|_| broken_row())?),
            key_rotation::state.eq(word(&rotation.state)?),
            key_rotation::resealed.eq(0),
            key_rotation::begun_by.eq(by),
            key_rotation::begun_at_unix_ms.eq(rotation.begun_at_unix_ms),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Row = (Vec<u8>, i32, String, i64, i64, Option<i64>);

type Columns = (
    key_rotation::id,
    key_rotation::former_key,
    key_rotation::state,
    key_rotation::resealed,
    key_rotation::begun_at_unix_ms,
    key_rotation::done_at_unix_ms,
);

const COLUMNS: Columns = (
    key_rotation::id,
    key_rotation::former_key,
    key_rotation::state,
    key_rotation::resealed,
    key_rotation::begun_at_unix_ms,
    key_rotation::done_at_unix_ms,
);

fn read(row: Row) -> Result<Kept, ApiError> {
    let (id, former_key, state, resealed, begun_at_unix_ms, done_at_unix_ms) = row;
    let rotation = Rotation {
        rotation: read_uuid(&id)?,
        state: read_word(state)?,
        resealed: u64::try_from(resealed).map_err(|_| broken_row())?,
        begun_at_unix_ms,
        done_at_unix_ms,
    };
    Ok(Kept { rotation, former_key: u32::try_from(former_key).map_err(|_| broken_row())? })
}

pub(crate) fn find(tx: &mut Tx, permit: &Permit, id: Uuid) -> Result<Option<Kept>, ApiError> {
    let row: Option<Row> = key_rotation::table
        .filter(key_rotation::municipality.eq(permit.municipality().as_str()))
        .filter(key_rotation::id.eq(id.as_bytes().as_slice()))
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

/// The rotation that is under way.
pub(crate) fn under_way(tx: &mut Tx, permit: &Permit) -> Result<Option<Kept>, ApiError> {
    let row: Option<Row> = key_rotation::table
        .filter(key_rotation::municipality.eq(permit.municipality().as_str()))
        .filter(key_rotation::done_at_unix_ms.is_null())
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

/// When the last rotation began that has come to its end.
pub(crate) fn last_begun_at(tx: &mut Tx, permit: &Permit) -> Result<Option<i64>, ApiError> {
    key_rotation::table
        .filter(key_rotation::municipality.eq(permit.municipality().as_str()))
        .select(diesel::dsl::max(key_rotation::begun_at_unix_ms))
        .first(tx)
        .map_err(failed)
}

/// Keeps how far a rotation has come; `more` cells were sealed anew.
pub(crate) fn change(
    tx: &mut Tx,
    permit: &Permit,
    (id, state): (Uuid, RotationState),
    (more, done_at_unix_ms): (usize, Option<i64>),
) -> Result<(), ApiError> {
    let more = i64::try_from(more).map_err(|_| broken_row())?;
    let municipality = permit.municipality();
    let row = key_rotation::table
        .filter(key_rotation::municipality.eq(municipality.as_str()))
        .filter(key_rotation::id.eq(id.as_bytes().as_slice()));
    diesel::update(row)
        .set((
            key_rotation::state.eq(word(&state)?),
            key_rotation::resealed.eq(key_rotation::resealed + more),
            key_rotation::done_at_unix_ms.eq(done_at_unix_ms),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}
