use db::{DbError, Tx, on_engine};
use diesel::prelude::*;
use ledger::{FullTile, Hash, TileId, tile_hashes};
use wire::registry::AccessLine;

use super::schema::{access_checkpoint, access_log, access_tile};
use super::{unreadable, unsigned};

/// A stored line of the access log.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = access_log, treat_none_as_default_value = false)]
pub(crate) struct AccessRow {
    pub(crate) seq: i64,
    pub(crate) municipality: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) root: Option<Vec<u8>>,
}

#[derive(Insertable)]
#[diesel(table_name = access_tile)]
struct TileRow {
    level: i16,
    idx: i64,
    hashes: Vec<u8>,
}

/// Appends; there is no other way to write here.
pub(crate) fn access_insert(
    tx: &mut Tx,
    rows: &[AccessRow],
    tiles: &[FullTile],
) -> Result<(), DbError> {
    let insert = diesel::insert_into(access_log::table).values(rows);
    on_engine!(tx, c => insert.execute(c))?;
    for tile in tiles {
        let (level, idx) = (i16::from(tile.id.level), to_i64(tile.id.index)?);
        let row = TileRow { level, idx, hashes: tile.to_bytes() };
        diesel::insert_into(access_tile::table).values(row).execute(tx)?;
    }
    Ok(())
}

/// How long the log is, and the root that its last line carries.
pub(crate) fn access_tail(tx: &mut Tx) -> Result<Option<(u64, Option<Hash>)>, DbError> {
    let last: Option<(i64, Option<Vec<u8>>)> = access_log::table
        .order(access_log::seq.desc())
        .select((access_log::seq, access_log::root))
        .first(tx)
        .optional()?;
    let Some((seq, root)) = last else { return Ok(None) };
    let root = root.and_then(|root| Hash::try_from(root.as_slice()).ok());
    Ok(Some((unsigned(seq)?.saturating_add(1), root)))
}

/// The lines from one sequence number up to, but not including, another, oldest first.
pub(crate) fn access_rows(tx: &mut Tx, from: u64, to: u64) -> Result<Vec<AccessRow>, DbError> {
    let lines = access_log::table
        .filter(access_log::seq.ge(to_i64(from)?))
        .filter(access_log::seq.lt(to_i64(to)?))
        .order(access_log::seq);
    Ok(lines.load(tx)?)
}

/// A page of one municipality's lines, or of everybody's, oldest first.
pub(crate) fn access_page(
    tx: &mut Tx,
    municipality: Option<&str>,
    (from, limit): (u64, u16),
) -> Result<Vec<AccessLine>, DbError> {
    let from = access_log::seq.ge(i64::try_from(from).unwrap_or(i64::MAX));
    let page = access_log::table.select(access_log::body).filter(from).order(access_log::seq);
    let page = page.limit(i64::from(limit));
    let bodies: Vec<Vec<u8>> = match municipality {
        Some(code) => page.filter(access_log::municipality.eq(code)).load(tx)?,
        None => page.load(tx)?,
    };
    let lines = bodies.iter().map(|body| serde_json::from_slice(body).map_err(|_| unreadable()));
    lines.collect()
}

/// The hashes of a full tile; none if it is missing or holds something else.
pub(crate) fn access_tile(tx: &mut Tx, id: TileId) -> Result<Option<Vec<Hash>>, DbError> {
    let hashes: Option<Vec<u8>> = access_tile::table
        .find((i16::from(id.level), to_i64(id.index)?))
        .select(access_tile::hashes)
        .first(tx)
        .optional()?;
    Ok(hashes.and_then(|bytes| tile_hashes(&bytes).ok()))
}

pub(crate) fn access_checkpoint_insert(
    tx: &mut Tx,
    size: u64,
    issued_at_unix_ms: i64,
    note: &str,
) -> Result<(), DbError> {
    diesel::insert_into(access_checkpoint::table)
        .values((
            access_checkpoint::size.eq(to_i64(size)?),
            access_checkpoint::issued_at_unix_ms.eq(issued_at_unix_ms),
            access_checkpoint::note.eq(note),
        ))
        .execute(tx)?;
    Ok(())
}

/// How long the log was when it was last signed.
pub(crate) fn access_checkpoint_newest(tx: &mut Tx) -> Result<u64, DbError> {
    let size: Option<i64> = access_checkpoint::table
        .order(access_checkpoint::size.desc())
        .select(access_checkpoint::size)
        .first(tx)
        .optional()?;
    size.map_or(Ok(0), unsigned)
}

/// Size and signed note of every checkpoint after one size up to another.
pub(crate) fn access_checkpoints(
    tx: &mut Tx,
    after: u64,
    to: u64,
) -> Result<Vec<(u64, String)>, DbError> {
    let rows: Vec<(i64, String)> = access_checkpoint::table
        .filter(access_checkpoint::size.gt(to_i64(after)?))
        .filter(access_checkpoint::size.le(to_i64(to)?))
        .order(access_checkpoint::size)
        .select((access_checkpoint::size, access_checkpoint::note))
        .load(tx)?;
    rows.into_iter().map(|(size, note)| Ok((unsigned(size)?, note))).collect()
}

fn to_i64(number: u64) -> Result<i64, DbError> {
    i64::try_from(number).map_err(|_| unreadable())
}
