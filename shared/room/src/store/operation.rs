use db::{DbError, RoomKey, Tx, on_engine};
use diesel::prelude::*;
use domain::Permit;
use ledger::{Batch, Hash, ReadError, TileId, Tree};
use service::ApiError;
use wire::partition::{IndexedOperation, ListPage};

use super::schema::{operation_checkpoint, operation_log, operation_tile};
use super::{broken_row, failed};
use crate::checkpoint::Signed;
use crate::host::room_key;
use crate::problems::ROOM_CLOSED;

/// No request takes longer from its beginning to its line.
const REQUEST_MS_MAX: i64 = 600_000;

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
pub fn append(
    tx: &mut Tx,
    room: RoomKey,
    bodies: Vec<Vec<u8>>,
    batch: &Batch,
) -> Result<(), ApiError> {
    let last = bodies.len().checked_sub(1);
    let rows = bodies.into_iter().enumerate().map(|(at, body)| {
        let seq = i64::try_from(batch.first_index()).map_err(|_| broken_row())?;
        let root = (Some(at) == last).then(|| batch.tree().root().as_bytes().to_vec());
        let offset = i64::try_from(at).map_err(|_| broken_row())?;
        Ok(LogRow { municipality: room.to_string(), seq: seq + offset, body, root })
    });
    let rows = rows.collect::<Result<Vec<_>, ApiError>>()?;
    if rows.is_empty() {
        return Ok(());
    }
    let insert = diesel::insert_into(operation_log::table).values(&rows);
    on_engine!(tx, c => insert.execute(c)).map_err(failed)?;
    for tile in batch.tiles() {
        let row = TileRow {
            municipality: room.to_string(),
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
pub fn has_begun(tx: &mut Tx, room: RoomKey) -> Result<bool, DbError> {
    let lines = operation_log::table.filter(operation_log::municipality.eq(room.to_string()));
    Ok(diesel::select(diesel::dsl::exists(lines)).get_result(tx)?)
}

/// Size and root of a room's log, if anything was ever done there.
pub fn last(tx: &mut Tx, room: RoomKey) -> Result<Option<(u64, Hash)>, ApiError> {
    let last: Option<(i64, Option<Vec<u8>>)> = operation_log::table
        .filter(operation_log::municipality.eq(room.to_string()))
        .order(operation_log::seq.desc())
        .select((operation_log::seq, operation_log::root))
        .first(tx)
        .optional()
        .map_err(failed)?;
    let Some((seq, root)) = last else { return Ok(None) };
    let size = u64::try_from(seq + 1).map_err(|_| broken_row())?;
    let root = root.and_then(|root| Hash::try_from(root.as_slice()).ok());
    root.map(|root| Some((size, root))).ok_or_else(|| ApiError::new(&ROOM_CLOSED))
}

/// How long a room's log is.
pub fn size(tx: &mut Tx, room: RoomKey) -> Result<u64, ApiError> {
    Ok(last(tx, room)?.map_or(0, |(size, _)| size))
}

/// Rebuilds the tree of a room's log and proves it against the last root.
pub fn restore(tx: &mut Tx, room: RoomKey) -> Result<Tree, ApiError> {
    last(tx, room)?.map_or_else(|| Ok(Tree::new()), |last| tree(tx, room, last))
}

/// The tree of the log's first lines, if they still make this root.
pub fn tree(tx: &mut Tx, room: RoomKey, (size, root): (u64, Hash)) -> Result<Tree, ApiError> {
    Tree::restore(size, root, |tile, width| read_tile(tx, room, tile, width)).map_err(unread)
}

/// Proves that the tree continues what it was at an earlier size.
pub fn consistency(
    tx: &mut Tx,
    room: RoomKey,
    (tree, size): (&Tree, u64),
) -> Result<Vec<Hash>, ApiError> {
    let read = |tile, width| read_tile(tx, room, tile, width);
    tree.consistency_proof(size, tree.size(), read).map_err(unread)
}

fn unread(error: ReadError<ApiError>) -> ApiError {
    match error {
        ReadError::Store(error) => error,
        altered => ApiError::caused(&ROOM_CLOSED, altered),
    }
}

pub fn keep_checkpoint(
    tx: &mut Tx,
    room: RoomKey,
    signed: Signed,
    note: &str,
) -> Result<(), ApiError> {
    let insert = diesel::insert_into(operation_checkpoint::table).values((
        operation_checkpoint::municipality.eq(room.to_string()),
        operation_checkpoint::size.eq(i64::try_from(signed.size).map_err(|_| broken_row())?),
        operation_checkpoint::issued_at_unix_ms.eq(signed.at_unix_ms),
        operation_checkpoint::note.eq(note),
    ));
    // Another process may have signed the same size.
    on_engine!(tx, c => insert.on_conflict_do_nothing().execute(c)).map(drop).map_err(failed)
}

pub fn last_checkpoint(tx: &mut Tx, room: RoomKey) -> Result<Option<(Signed, String)>, ApiError> {
    let row: Option<(i64, i64, String)> = operation_checkpoint::table
        .filter(operation_checkpoint::municipality.eq(room.to_string()))
        .order(operation_checkpoint::size.desc())
        .select((
            operation_checkpoint::size,
            operation_checkpoint::issued_at_unix_ms,
            operation_checkpoint::note,
        ))
        .first(tx)
        .optional()
        .map_err(failed)?;
    let Some((size, at_unix_ms, note)) = row else { return Ok(None) };
    let size = u64::try_from(size).map_err(|_| broken_row())?;
    Ok(Some((Signed { size, at_unix_ms }, note)))
}

fn read_tile(
    tx: &mut Tx,
    room: RoomKey,
    tile: TileId,
    width: usize,
) -> Result<Vec<Hash>, ApiError> {
    let index = i64::try_from(tile.index).map_err(|_| broken_row())?;
    if width == ledger::TILE_WIDTH {
        let bytes: Vec<u8> = operation_tile::table
            .filter(operation_tile::municipality.eq(room.to_string()))
            .filter(operation_tile::level.eq(i16::from(tile.level)))
            .filter(operation_tile::idx.eq(index))
            .select(operation_tile::hashes)
            .first(tx)
            .map_err(failed)?;
        return ledger::tile_hashes(&bytes).map_err(|_| broken_row());
    }
    let first = index * i64::try_from(ledger::TILE_WIDTH).map_err(|_| broken_row())?;
    let bodies: Vec<Vec<u8>> = operation_log::table
        .filter(operation_log::municipality.eq(room.to_string()))
        .filter(operation_log::seq.ge(first))
        .order(operation_log::seq)
        .limit(i64::try_from(width).map_err(|_| broken_row())?)
        .select(operation_log::body)
        .load(tx)
        .map_err(failed)?;
    Ok(bodies.iter().map(|body| ledger::leaf_hash(body)).collect())
}

/// A page of the room's log, oldest first.
pub fn list(
    tx: &mut Tx,
    permit: &Permit,
    page: &ListPage,
) -> Result<Vec<IndexedOperation>, ApiError> {
    let rows = read(tx, permit, page)?;
    rows.into_iter().map(|(sequence, body)| indexed(sequence, &body)).collect()
}

pub fn indexed(sequence: u64, body: &[u8]) -> Result<IndexedOperation, ApiError> {
    let entry = serde_json::from_slice(body).map_err(|_| broken_row())?;
    Ok(IndexedOperation { sequence, entry })
}

/// The same page as it was hashed.
pub fn read(
    tx: &mut Tx,
    permit: &Permit,
    page: &ListPage,
) -> Result<Vec<(u64, Vec<u8>)>, ApiError> {
    let from = i64::try_from(page.from).map_err(|_| ApiError::field("from"))?;
    let rows: Vec<(i64, Vec<u8>)> = operation_log::table
        .filter(operation_log::municipality.eq(permit.municipality().as_str()))
        .filter(operation_log::seq.ge(from))
        .order(operation_log::seq)
        .limit(i64::from(page.limit))
        .select((operation_log::seq, operation_log::body))
        .load(tx)
        .map_err(failed)?;
    let read = |(seq, body)| Ok((u64::try_from(seq).map_err(|_| broken_row())?, body));
    rows.into_iter().map(read).collect()
}

/// The first line of a time, found by halving: lines stand in the order of their times, give or
/// take how long a request lasts.
pub fn first_since(tx: &mut Tx, permit: &Permit, unix_ms: i64) -> Result<u64, ApiError> {
    let since = unix_ms.saturating_sub(REQUEST_MS_MAX);
    let (mut from, mut to) =
        (0, last(tx, room_key(permit.municipality())?)?.map_or(0, |(to, _)| to));
    while from < to {
        let middle = from.midpoint(to);
        match time_of(tx, permit, middle)? {
            Some(at) if at < since => from = middle + 1,
            _ => to = middle,
        }
    }
    Ok(from)
}

/// When the first line from here on was begun, if it can be read.
pub fn time_of(tx: &mut Tx, permit: &Permit, from: u64) -> Result<Option<i64>, ApiError> {
    let rows = read(tx, permit, &ListPage { from, limit: 1 })?;
    let line = rows.first().and_then(|(sequence, body)| indexed(*sequence, body).ok());
    Ok(line.map(|line| line.entry.at_unix_ms))
}
