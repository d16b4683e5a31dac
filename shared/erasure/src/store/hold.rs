use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use room::operation_log::unix_ms;
use room::store::{failed, read_uuid};
use service::ApiError;
use uuid::Uuid;
use wire::erasure::ErasureHold;

use super::schema::erasure_hold;
use super::{read_word, word};

/// One room holds so many at once.
pub(crate) const HOLDS_MAX: usize = 10_000;

pub(crate) fn insert(
    tx: &mut Tx,
    permit: &Permit,
    (hold, by): (&ErasureHold, &str),
) -> Result<(), ApiError> {
    diesel::insert_into(erasure_hold::table)
        .values((
            erasure_hold::municipality.eq(permit.municipality().as_str()),
            erasure_hold::id.eq(hold.hold.as_bytes().as_slice()),
            erasure_hold::subject_id.eq(hold.subject.map(|id| id.as_bytes().to_vec())),
            erasure_hold::class.eq(hold.class.as_ref().map(word).transpose()?),
            erasure_hold::reason.eq(word(&hold.reason)?),
            erasure_hold::held_by.eq(by),
            erasure_hold::held_at_unix_ms.eq(unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Row = (Vec<u8>, Option<Vec<u8>>, Option<String>, String);

fn read((id, subject, class, reason): Row) -> Result<ErasureHold, ApiError> {
    Ok(ErasureHold {
        hold: read_uuid(&id)?,
        subject: subject.as_deref().map(read_uuid).transpose()?,
        class: class.map(read_word).transpose()?,
        reason: read_word(reason)?,
    })
}

/// A hold, and whether it was lifted.
pub(crate) fn find(
    tx: &mut Tx,
    permit: &Permit,
    id: Uuid,
) -> Result<Option<(ErasureHold, bool)>, ApiError> {
    let row: Option<(Row, Option<i64>)> = erasure_hold::table
        .filter(erasure_hold::municipality.eq(permit.municipality().as_str()))
        .filter(erasure_hold::id.eq(id.as_bytes().as_slice()))
        .select((
            (erasure_hold::id, erasure_hold::subject_id, erasure_hold::class, erasure_hold::reason),
            erasure_hold::lifted_at_unix_ms,
        ))
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|(row, lifted)| Ok((read(row)?, lifted.is_some()))).transpose()
}

/// What is held now.
pub(crate) fn list(tx: &mut Tx, permit: &Permit) -> Result<Vec<ErasureHold>, ApiError> {
    let rows: Vec<Row> = erasure_hold::table
        .filter(erasure_hold::municipality.eq(permit.municipality().as_str()))
        .filter(erasure_hold::lifted_at_unix_ms.is_null())
        .order((erasure_hold::held_at_unix_ms, erasure_hold::id))
        .select((
            erasure_hold::id,
            erasure_hold::subject_id,
            erasure_hold::class,
            erasure_hold::reason,
        ))
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(read).collect()
}

pub(crate) fn lift(tx: &mut Tx, permit: &Permit, (id, by): (Uuid, &str)) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let row = erasure_hold::table
        .filter(erasure_hold::municipality.eq(municipality.as_str()))
        .filter(erasure_hold::id.eq(id.as_bytes().as_slice()))
        .filter(erasure_hold::lifted_at_unix_ms.is_null());
    diesel::update(row)
        .set((
            erasure_hold::lifted_by.eq(by),
            erasure_hold::lifted_at_unix_ms.eq(unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}
