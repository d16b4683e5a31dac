use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use db::{DbError, Tx, on_engine};
use diesel::prelude::*;
use domain::{Action, InquiryId, Permit};
use ledger::{Hash, TileId, leaf_hash, tile_hashes};
use wire::provision_log::{Act, Entry, IndexedEntry, LeafBody};

use super::schema::{checkpoint, cosigned, entry, leaf, tile};
use super::{StoreError, to_index, to_seq};
use crate::candidate::{Candidate, Digest, digest};

/// An entry that is in the log already.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) index: u64,
    pub(crate) permit: Option<Digest>,
    pub(crate) settled: Option<Digest>,
    /// What it tells, and its body exactly as stored; `None` if the body has been destroyed.
    pub(crate) told: Option<(Act, Arc<str>)>,
}

/// A leaf's place, and by what it is found again.
type Found = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

/// The entries that carry one of these permits or settle one of these inquiries.
pub(crate) fn known_entries(
    tx: &mut Tx,
    candidates: &[Candidate],
) -> Result<Vec<Known>, StoreError> {
    let permits: Vec<&[u8]> = candidates.iter().map(|c| c.permit.as_slice()).collect();
    let settled = candidates.iter().filter_map(|c| c.settled.as_ref());
    let settled: Vec<&[u8]> = settled.map(Digest::as_slice).collect();
    let query = leaf::table
        .filter(leaf::permit_digest.eq_any(permits))
        .or_filter(leaf::settled_digest.eq_any(settled))
        .select((leaf::seq, leaf::permit_digest, leaf::settled_digest));
    let found: Vec<Found> = on_engine!(tx, c => query.load(c))?;
    let seqs: Vec<i64> = found.iter().map(|(seq, ..)| *seq).collect();
    let query = entry::table.filter(entry::seq.eq_any(seqs)).select((entry::seq, entry::body));
    let bodies: Vec<(i64, Vec<u8>)> = on_engine!(tx, c => query.load(c))?;
    let mut bodies: HashMap<i64, Vec<u8>> = bodies.into_iter().collect();
    let known = |(seq, permit, settled): Found| {
        let body = bodies.remove(&seq);
        let told = body.map(|body| read_body(body).map(|(body, text)| (body.act, text)));
        Ok(Known {
            index: to_index(seq)?,
            permit: permit.map(to_digest).transpose()?,
            settled: settled.map(to_digest).transpose()?,
            told: told.transpose()?,
        })
    };
    found.into_iter().map(known).collect()
}

fn to_digest(bytes: Vec<u8>) -> Result<Digest, StoreError> {
    Digest::try_from(bytes).map_err(|_| StoreError::Damaged)
}

fn read_body(body: Vec<u8>) -> Result<(LeafBody, Arc<str>), StoreError> {
    let text = String::from_utf8(body).map_err(|_| StoreError::Damaged)?;
    let body = serde_json::from_str(&text).map_err(|_| StoreError::Damaged)?;
    Ok((body, text.into()))
}

/// A leaf's hash, and its body as far as it is there.
pub(crate) type Stored = (Hash, Option<Vec<u8>>);

/// The leaf hashes of entries and their bodies, as far as they are there.
///
/// A body that is not there must have been destroyed by an order; whether it was, is for those to
/// say who verify the whole log.
pub(crate) fn stored(tx: &mut Tx, range: Range<u64>) -> Result<Vec<Stored>, StoreError> {
    let (from, to) = (to_seq(range.start), to_seq(range.end));
    let leaves: Vec<(i64, Vec<u8>)> = leaf::table
        .filter(leaf::seq.ge(from).and(leaf::seq.lt(to)))
        .order(leaf::seq)
        .select((leaf::seq, leaf::hash))
        .load(tx)?;
    let bodies: Vec<(i64, Vec<u8>)> = entry::table
        .filter(entry::seq.ge(from).and(entry::seq.lt(to)))
        .select((entry::seq, entry::body))
        .load(tx)?;
    let mut bodies: HashMap<i64, Vec<u8>> = bodies.into_iter().collect();
    if leaves.iter().map(|(seq, _)| *seq).ne(from..to) {
        return Err(StoreError::Damaged);
    }
    let checked = |(seq, hash): (i64, Vec<u8>)| {
        let hash = Hash::try_from(hash.as_slice()).map_err(|_| StoreError::Damaged)?;
        match bodies.remove(&seq) {
            Some(body) if leaf_hash(&body) != hash => Err(StoreError::Damaged),
            body => Ok((hash, body)),
        }
    };
    leaves.into_iter().map(checked).collect()
}

/// Index and body of every order, in the log's order.
pub(crate) fn orders(tx: &mut Tx) -> Result<Vec<(u64, LeafBody)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = entry::table
        .filter(entry::act.eq("order"))
        .order(entry::seq)
        .select((entry::seq, entry::body))
        .load(tx)?;
    rows.into_iter().map(|(seq, body)| Ok((to_index(seq)?, read_body(body)?.0))).collect()
}

/// The smallest size that witnesses cosigned at this time or later.
pub(crate) fn smallest_cosigned_since(
    tx: &mut Tx,
    unix_ms: i64,
) -> Result<Option<u64>, StoreError> {
    let smallest: Option<i64> = cosigned::table
        .filter(cosigned::cosigned_at_unix_ms.ge(unix_ms))
        .select(diesel::dsl::min(cosigned::size))
        .first(tx)?;
    smallest.map(to_index).transpose()
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

/// Whether an entry or its leaf lies at `index` or beyond.
pub(crate) fn entries_from(tx: &mut Tx, index: u64) -> Result<bool, DbError> {
    let leaf = leaf::table.filter(leaf::seq.ge(to_seq(index))).select(leaf::seq);
    let entry = entry::table.filter(entry::seq.ge(to_seq(index))).select(entry::seq);
    let has_leaf = leaf.first::<i64>(tx).optional()?.is_some();
    Ok(has_leaf || entry.first::<i64>(tx).optional()?.is_some())
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
    let indexed = |(seq, body): (i64, Vec<u8>)| {
        let LeafBody { logged_at_unix_ms, act } = read_body(body)?.0;
        let Act::Outcome(entry) = act else { return Err(StoreError::Damaged) };
        Ok(IndexedEntry { index: to_index(seq)?, logged_at_unix_ms, entry })
    };
    rows.into_iter().map(indexed).collect()
}

/// How an inquiry was settled, as long as its entry is kept.
pub(crate) fn end_of(tx: &mut Tx, inquiry: InquiryId) -> Result<Option<Entry>, StoreError> {
    let settled = leaf::table.filter(leaf::settled_digest.eq(digest(inquiry.0).to_vec()));
    let seq: Option<i64> = settled.select(leaf::seq).first(tx).optional()?;
    let Some(seq) = seq else { return Ok(None) };
    let kept = entry::table.filter(entry::seq.eq(seq)).select(entry::body);
    let body: Option<Vec<u8>> = kept.first(tx).optional()?;
    body.map(|body| match read_body(body)?.0.act {
        Act::Outcome(entry) => Ok(entry),
        Act::Order(_) => Err(StoreError::Damaged),
    })
    .transpose()
}

/// Index and body of the entries that settled these inquiries, as far as the municipality took
/// part in them.
pub(crate) fn settled(
    tx: &mut Tx,
    permit: &Permit,
    inquiries: &[InquiryId],
) -> Result<Vec<(u64, String)>, StoreError> {
    permit.expect_action(Action::ReadOutcomes)?;
    let code = permit.municipality();
    let digests = inquiries.iter().map(|inquiry| digest(inquiry.0).to_vec());
    let digests: Vec<Vec<u8>> = digests.collect();
    let query = leaf::table.filter(leaf::settled_digest.eq_any(digests)).select(leaf::seq);
    let seqs: Vec<i64> = on_engine!(tx, c => query.load(c))?;
    let own = entry::inquirer.eq(code.as_str()).or(entry::provider.eq(code.as_str()));
    let query = entry::table
        .filter(entry::seq.eq_any(seqs))
        .filter(own)
        .order(entry::seq)
        .select((entry::seq, entry::body));
    let rows: Vec<(i64, Vec<u8>)> = on_engine!(tx, c => query.load(c))?;
    let read = |(seq, body): (i64, Vec<u8>)| {
        let text = String::from_utf8(body).map_err(|_| StoreError::Damaged)?;
        Ok((to_index(seq)?, text))
    };
    rows.into_iter().map(read).collect()
}
