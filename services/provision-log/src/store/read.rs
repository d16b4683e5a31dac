use std::sync::Arc;

use db::{DbError, Tx, on_engine};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::{Action, Permit};
use ledger::{Hash, TileId, leaf_hash, tile_hashes};
use wire::provision_log::{Entry, IndexedEntry};

use super::schema::{checkpoint, entry, tile};
use super::{StoreError, to_index, to_seq};
use crate::candidate::Candidate;

/// An entry that is in the log already.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) index: u64,
    pub(crate) entry: Entry,
    /// Exactly as stored.
    pub(crate) text: Arc<str>,
}

/// The entries that carry one of these permits or settle one of these inquiries.
pub(crate) fn known_entries(
    tx: &mut Tx,
    candidates: &[Candidate],
) -> Result<Vec<Known>, StoreError> {
    let permits: Vec<&[u8]> = candidates.iter().map(|c| c.permit.as_bytes().as_slice()).collect();
    let settling = candidates.iter().filter(|c| c.settled_inquiry().is_some());
    let inquiries: Vec<&[u8]> = settling.map(|c| c.entry.inquiry.0.as_bytes().as_slice()).collect();
    let query = entry::table
        .filter(entry::permit.eq_any(permits))
        .or_filter(entry::settled_inquiry.eq_any(inquiries))
        .select((entry::seq, entry::body));
    let rows: Vec<(i64, Vec<u8>)> = on_engine!(tx, c => query.load(c))?;
    rows.into_iter().map(|(seq, body)| known(seq, body)).collect()
}

fn known(seq: i64, body: Vec<u8>) -> Result<Known, StoreError> {
    let text = String::from_utf8(body).map_err(|_| StoreError::Damaged)?;
    let entry = serde_json::from_str(&text).map_err(|_| StoreError::Damaged)?;
    Ok(Known { index: to_index(seq)?, entry, text: text.into() })
}

/// The leaf hashes of `width` entries from `first_index` on, made anew from their bodies.
pub(crate) fn leaves(tx: &mut Tx, first_index: u64, width: usize) -> Result<Vec<Hash>, StoreError> {
    let first = to_seq(first_index);
    let end = first.saturating_add(i64::try_from(width).unwrap_or(i64::MAX));
    let bodies: Vec<Vec<u8>> = entry::table
        .filter(entry::seq.ge(first))
        .filter(entry::seq.lt(end))
        .order(entry::seq)
        .select(entry::body)
        .load(tx)?;
    if bodies.len() == width {
        Ok(bodies.iter().map(|body| leaf_hash(body)).collect())
    } else {
        Err(StoreError::Damaged)
    }
}

/// The hashes of a full tile.
pub(crate) fn tile(tx: &mut Tx, id: TileId) -> Result<Vec<Hash>, StoreError> {
    let hashes: Option<Vec<u8>> = tile::table
        .find((i16::from(id.level), to_seq(id.index)))
        .select(tile::hashes)
        .first(tx)
        .optional()?;
    Ok(tile_hashes(&hashes.ok_or(StoreError::Damaged)?)?)
}

/// The newest checkpoint, if the log has begun.
pub(crate) fn last_note(tx: &mut Tx) -> Result<Option<String>, DbError> {
    let newest = checkpoint::table
        .order((checkpoint::size.desc(), checkpoint::issued_at_unix_ms.desc()))
        .select(checkpoint::note);
    Ok(newest.first(tx).optional()?)
}

/// Whether an entry lies at `index` or beyond.
pub(crate) fn entries_from(tx: &mut Tx, index: u64) -> Result<bool, DbError> {
    let beyond = entry::table.filter(entry::seq.ge(to_seq(index))).select(entry::seq);
    Ok(beyond.first::<i64>(tx).optional()?.is_some())
}

/// A municipality's own entries, one more than `limit` if there are more.
pub(crate) fn outcomes(
    tx: &mut Tx,
    permit: &Permit,
    from_index: u64,
    limit: u16,
) -> Result<Vec<IndexedEntry>, StoreError> {
    permit.expect_action(Action::ReadOutcomes)?;
    let code = permit.municipality();
    let many = i64::from(limit) + 1;
    let newer = entry::table
        .filter(entry::seq.ge(to_seq(from_index)))
        .order(entry::seq)
        .limit(many)
        .select((entry::seq, entry::body));
    // Two walks along an index each; `OR` would read all of the municipality's entries to sort them.
    let mut rows: Vec<(i64, Vec<u8>)> = newer.filter(entry::inquirer.eq(code.as_str())).load(tx)?;
    rows.extend(newer.filter(entry::provider.eq(code.as_str())).load::<(i64, Vec<u8>)>(tx)?);
    rows.sort_unstable_by_key(|(seq, _)| *seq);
    rows.dedup_by_key(|(seq, _)| *seq);
    rows.truncate(usize::from(limit) + 1);
    rows.into_iter()
        .map(|(seq, body)| {
            let Known { index, entry, .. } = known(seq, body)?;
            Ok(IndexedEntry { index, entry })
        })
        .collect()
}

/// Whether a commit is on disk when the database says so.
pub(crate) fn durable_commits(tx: &mut Tx) -> Result<bool, DbError> {
    match tx {
        // Set for every connection when it is opened.
        Tx::Sqlite(_) => Ok(true),
        Tx::Postgres(c) => {
            let setting = sql::<Text>("current_setting('synchronous_commit')");
            Ok(diesel::select(setting).get_result::<String>(c)? != "off")
        }
    }
}
