use std::collections::HashSet;

use db::Tx;
use diesel::prelude::*;
use domain::{Permit, TerminalId};
use service::ApiError;
use uuid::Uuid;
use wire::intake::CaptureName;

use super::schema::capture_done;
use super::{broken_row, failed, read_uuid};

/// Those of these captures that were dealt with before.
pub fn done(tx: &mut Tx, permit: &Permit, ids: &[Uuid]) -> Result<HashSet<CaptureName>, ApiError> {
    let rows: Vec<(String, Vec<u8>)> = capture_done::table
        .filter(capture_done::municipality.eq(permit.municipality().as_str()))
        .filter(capture_done::id.eq_any(ids.iter().map(|id| id.as_bytes().as_slice())))
        .select((capture_done::device, capture_done::id))
        .load(tx)
        .map_err(failed)?;
    let read = |(device, id): (String, Vec<u8>)| {
        let device = TerminalId::parse(&device).map_err(|_| broken_row())?;
        Ok(CaptureName { device, id: read_uuid(&id)? })
    };
    rows.into_iter().map(read).collect()
}

/// Remembers what became of a capture; its two other columns name it.
pub fn insert(
    tx: &mut Tx,
    permit: &Permit,
    (capture, result): (&CaptureName, &str),
) -> Result<(), ApiError> {
    diesel::insert_into(capture_done::table)
        .values((
            capture_done::municipality.eq(permit.municipality().as_str()),
            capture_done::device.eq(capture.device.as_str()),
            capture_done::id.eq(capture.id.as_bytes().as_slice()),
            capture_done::result.eq(result),
            capture_done::done_at_unix_ms.eq(crate::operation_log::unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}
