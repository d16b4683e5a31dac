use db::{DbError, Tx, on_engine};
use diesel::prelude::*;
use ledger::{Checkpoint, FullTile};

use super::schema::{checkpoint, entry, tile};
use super::to_seq;
use crate::candidate::Candidate;

#[derive(Insertable)]
// SQLite takes several rows in one statement only if NULL is written out.
#[diesel(table_name = entry, treat_none_as_default_value = false)]
struct NewEntry<'a> {
    seq: i64,
    segment: i32,
    inquiry: &'a [u8],
    settled_inquiry: Option<&'a [u8]>,
    permit: &'a [u8],
    inquirer: &'a str,
    provider: &'a str,
    outcome: &'static str,
    decided_at_unix_ms: i64,
    body: &'a [u8],
}

impl<'a> NewEntry<'a> {
    fn new(seq: i64, candidate: &'a Candidate) -> Self {
        let entry = &candidate.entry;
        let inquiry: &[u8] = entry.inquiry.0.as_bytes();
        Self {
            seq,
            segment: candidate.segment,
            inquiry,
            settled_inquiry: candidate.settled_inquiry().is_some().then_some(inquiry),
            permit: candidate.permit.as_bytes(),
            inquirer: entry.inquirer.as_str(),
            provider: entry.provider.as_str(),
            outcome: entry.outcome.as_str(),
            decided_at_unix_ms: entry.decided_at_unix_ms,
            body: candidate.text.as_bytes(),
        }
    }
}

/// Adds entries in this order, the first of them at `first_index`.
pub(crate) fn insert_entries(
    tx: &mut Tx,
    first_index: u64,
    candidates: &[&Candidate],
) -> Result<(), DbError> {
    let numbered = (to_seq(first_index)..).zip(candidates);
    let rows: Vec<_> = numbered.map(|(seq, candidate)| NewEntry::new(seq, candidate)).collect();
    on_engine!(tx, c => diesel::insert_into(entry::table).values(&rows).execute(c))?;
    Ok(())
}

/// Adds tiles that will never change again: at most a handful for one batch.
pub(crate) fn insert_tiles(tx: &mut Tx, tiles: &[FullTile]) -> Result<(), DbError> {
    for full in tiles {
        let row = (
            tile::level.eq(i16::from(full.id.level)),
            tile::idx.eq(to_seq(full.id.index)),
            tile::hashes.eq(full.to_bytes()),
        );
        diesel::insert_into(tile::table).values(row).execute(tx)?;
    }
    Ok(())
}

pub(crate) fn insert_checkpoint(
    tx: &mut Tx,
    signed: &Checkpoint,
    note: &str,
    issued_at_unix_ms: i64,
) -> Result<(), DbError> {
    let row = (
        checkpoint::size.eq(to_seq(signed.size)),
        checkpoint::issued_at_unix_ms.eq(issued_at_unix_ms),
        checkpoint::root.eq(signed.root.as_bytes().as_slice()),
        checkpoint::note.eq(note),
    );
    diesel::insert_into(checkpoint::table).values(row).execute(tx)?;
    Ok(())
}
