use db::{DbError, Tx, on_engine};
use diesel::prelude::*;
use domain::{MunicipalityCode, Permit};
use ledger::{Batch, Hash, TileId, Tree};
use service::{ApiError, problems};
use wire::partition::{IndexedOperation, ListPage};

use super::schema::{operation_log, operation_tile};
use super::{broken_row, failed};

#[derive(Insertable)]
#[diesel(table_name = operation_log, treat_none_as_default_value = false)]
struct LogRow {
    municipality: String,
    seq: i64,
    body: Vec<u8>,
    root: Option<Vec<u8>>,
}

#[derive(Insertable)]
#[diesel(table_name = operation_tile)]
struct TileRow {
    municipality: String,
    level: i16,
    idx: i64,
    hashes: Vec<u8>,
}

/// Appends the bodies of one transaction; the last one carries the root after it.
pub(crate) fn append(
    tx: &mut Tx,
    municipality: MunicipalityCode,
    bodies: Vec<Vec<u8>>,
    batch: &Batch,
) -> Result<(), ApiError> {
    let last = bodies.len().checked_sub(1);
    let rows = bodies.into_iter().enumerate().map(|(at, body)| {
        let seq = i64::try_from(batch.first_index()).map_err(|_| broken_row())?;
        let root = (Some(at) == last).then(|| batch.tree().root().as_bytes().to_vec());
        let offset = i64::try_from(at).map_err(|_| broken_row())?;
        Ok(LogRow { municipality: municipality.to_string(), seq: seq + offset, body, root })
    });
    let rows = rows.collect::<Result<Vec<_>, ApiError>>()?;
    if rows.is_empty() {
        return Ok(());
    }
    let insert = diesel::insert_into(operation_log::table).values(&rows);
    on_engine!(tx, c => insert.execute(c)).map_err(failed)?;
    for tile in batch.tiles() {
        let row = TileRow {
            municipality: municipality.to_string(),
            level: i16::from(tile.id.level),
            idx: i64::try_from(tile.id.index).map_err(|_| broken_row())?,
            hashes: tile.to_bytes(),
        };
        let insert = diesel::insert_into(operation_tile::table).values(row);
        insert.execute(tx).map_err(failed)?;
    }
    Ok(())
}

/// Whether anything was ever done in a room.
pub(crate) fn has_begun(tx: &mut Tx, municipality: MunicipalityCode) -> Result<bool, DbError> {
    let lines = operation_log::table.filter(operation_log::municipality.eq(municipality.as_str()));
    Ok(diesel::select(diesel::dsl::exists(lines)).get_result(tx)?)
}

/// Rebuilds the tree of a room's log and proves it against the last root.
pub(crate) fn restore(tx: &mut Tx, municipality: MunicipalityCode) -> Result<Tree, ApiError> {
    let last: Option<(i64, Option<Vec<u8>>)> = operation_log::table
        .filter(operation_log::municipality.eq(municipality.as_str()))
        .order(operation_log::seq.desc())
        .select((operation_log::seq, operation_log::root))
        .first(tx)
        .optional()
        .map_err(failed)?;
    let Some((seq, root)) = last else { return Ok(Tree::new()) };
    let size = u64::try_from(seq + 1).map_err(|_| broken_row())?;
    let root = root.and_then(|root| Hash::try_from(root.as_slice()).ok()).ok_or_else(broken_row)?;
    Tree::restore(size, root, |tile, width| read_tile(tx, municipality, tile, width))
        .map_err(|_| ApiError::new(&problems::INTERNAL))
}

fn read_tile(
    tx: &mut Tx,
    municipality: MunicipalityCode,
    tile: TileId,
    width: usize,
) -> Result<Vec<Hash>, ApiError> {
    let index = i64::try_from(tile.index).map_err(|_| broken_row())?;
    if width == ledger::TILE_WIDTH {
        let bytes: Vec<u8> = operation_tile::table
            .filter(operation_tile::municipality.eq(municipality.as_str()))
            .filter(operation_tile::level.eq(i16::from(tile.level)))
            .filter(operation_tile::idx.eq(index))
            .select(operation_tile::hashes)
            .first(tx)
            .map_err(failed)?;
        return ledger::tile_hashes(&bytes).map_err(|_| broken_row());
    }
    let first = index * i64::try_from(ledger::TILE_WIDTH).map_err(|_| broken_row())?;
    let bodies: Vec<Vec<u8>> = operation_log::table
        .filter(operation_log::municipality.eq(municipality.as_str()))
        .filter(operation_log::seq.ge(first))
        .order(operation_log::seq)
        .limit(i64::try_from(width).map_err(|_| broken_row())?)
        .select(operation_log::body)
        .load(tx)
        .map_err(failed)?;
    Ok(bodies.iter().map(|body| ledger::leaf_hash(body)).collect())
}

/// A page of the room's log, oldest first.
pub(crate) fn list(
    tx: &mut Tx,
    permit: &Permit,
    page: &ListPage,
) -> Result<Vec<IndexedOperation>, ApiError> {
    let from = i64::try_from(page.from).map_err(|_| ApiError::field("from"))?;
    let rows: Vec<(i64, Vec<u8>)> = operation_log::table
        .filter(operation_log::municipality.eq(permit.municipality().as_str()))
        .filter(operation_log::seq.ge(from))
        .order(operation_log::seq)
        .limit(i64::from(page.limit))
        .select((operation_log::seq, operation_log::body))
        .load(tx)
        .map_err(failed)?;
    let read = |(seq, body): (i64, Vec<u8>)| {
        let sequence = u64::try_from(seq).map_err(|_| broken_row())?;
        let entry = serde_json::from_slice(&body).map_err(|_| broken_row())?;
        Ok(IndexedOperation { sequence, entry })
    };
    rows.into_iter().map(read).collect()
}
