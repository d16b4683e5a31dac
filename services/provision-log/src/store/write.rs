use db::{DbError, Tx, on_engine};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use ledger::{Checkpoint, FullTile};
use wire::provision_log::Act;

use super::schema::{checkpoint, cosigned, entry, leaf, tile};
use super::to_seq;
use crate::candidate::{Candidate, Digest, Leaf};

#[derive(Insertable)]
// SQLite takes several rows in one statement only if NULL is written out.
#[diesel(table_name = leaf, treat_none_as_default_value = false)]
struct NewLeaf<'a> {
    seq: i64,
    hash: &'a [u8],
    permit_digest: &'a [u8],
    settled_digest: Option<&'a [u8]>,
}

#[derive(Insertable)]
#[diesel(table_name = entry, treat_none_as_default_value = false)]
struct NewEntry<'a> {
    seq: i64,
    segment: i32,
    act: &'static str,
    inquirer: Option<&'a str>,
    provider: Option<&'a str>,
    body: &'a [u8],
}

impl<'a> NewLeaf<'a> {
    fn new(seq: i64, (candidate, leaf): &'a (&Candidate, Leaf)) -> Self {
        Self {
            seq,
            hash: leaf.hash.as_bytes(),
            permit_digest: &candidate.permit,
            settled_digest: candidate.settled.as_ref().map(Digest::as_slice),
        }
    }
}

impl<'a> NewEntry<'a> {
    fn new(seq: i64, segment: i32, (candidate, leaf): &'a (&Candidate, Leaf)) -> Self {
        let (act, parties) = match &candidate.act {
            Act::Outcome(entry) => ("outcome", Some((&entry.inquirer, &entry.provider))),
            Act::Order(_) => ("order", None),
        };
        let (inquirer, provider) = parties.unzip();
        Self {
            seq,
            segment,
            act,
            inquirer: inquirer.map(|code| code.as_str()),
            provider: provider.map(|code| code.as_str()),
            body: leaf.text.as_bytes(),
        }
    }
}

/// Makes room for a month's entries; nothing happens if there is.
pub(crate) fn open_segment(tx: &mut Tx, segment: i32) -> Result<(), DbError> {
    // SQLite has one table for all months.
    if let Tx::Postgres(c) = tx {
        let open = diesel::sql_query("SELECT open_segment($1)");
        open.bind::<Integer, _>(segment).execute(c)?;
    }
    Ok(())
}

/// Adds entries of one month in this order, the first of them at `first_index`.
pub(crate) fn insert_entries(
    tx: &mut Tx,
    (first_index, segment): (u64, i32),
    fresh: &[(&Candidate, Leaf)],
) -> Result<(), DbError> {
    let numbered = || (to_seq(first_index)..).zip(fresh);
    let leaves: Vec<_> = numbered().map(|(seq, one)| NewLeaf::new(seq, one)).collect();
    on_engine!(tx, c => diesel::insert_into(leaf::table).values(&leaves).execute(c))?;
    let rows: Vec<_> = numbered().map(|(seq, one)| NewEntry::new(seq, segment, one)).collect();
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

/// Keeps a checkpoint with the names of those who watch the log.
pub(crate) fn insert_cosigned(
    tx: &mut Tx,
    size: u64,
    note: &str,
    cosigned_at_unix_ms: i64,
) -> Result<(), DbError> {
    let row = (
        cosigned::size.eq(to_seq(size)),
        cosigned::cosigned_at_unix_ms.eq(cosigned_at_unix_ms),
        cosigned::note.eq(note),
    );
    diesel::insert_into(cosigned::table).values(row).execute(tx)?;
    Ok(())
}
