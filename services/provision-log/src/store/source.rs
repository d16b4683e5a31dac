use std::ops::Range;

use audit::{Listed, Source, StoredBody, StoredNote, Unreadable};
use db::Tx;
use diesel::dsl::max;
use diesel::prelude::*;
use ledger::{EMPTY_ROOT, Hash, TILE_WIDTH, TileId, tile_hashes};

use super::schema::{checkpoint, cosigned, entry, leaf, tile};
use super::to_seq;
use crate::offline::Database;

/// How many entries are fetched at once: on PostgreSQL each question goes to every month's table.
const AHEAD: u64 = 4_096;

/// What was fetched and not yet asked for.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    bodies: Window<StoredBody>,
    leaves: Window<(u64, Hash)>,
}

/// All rows of a range.
#[derive(Debug)]
struct Window<T> {
    range: Range<u64>,
    rows: Vec<T>,
    /// Somewhere in here is something that cannot be read.
    damaged: Range<u64>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self { range: 0..0, rows: Vec::new(), damaged: 0..0 }
    }
}

impl<T: Clone> Window<T> {
    /// Takes rows out of the window, which is moved there if need be and it can be read.
    fn read(
        &mut self,
        asked: Range<u64>,
        index: impl Fn(&T) -> u64,
        mut fetch: impl FnMut(Range<u64>) -> Option<Vec<T>>,
    ) -> Result<Vec<T>, Unreadable> {
        if asked.start < self.range.start || asked.end > self.range.end {
            if self.damaged.contains(&asked.start) {
                return fetch(asked).ok_or(Unreadable);
            }
            let ahead = asked.start..asked.start.saturating_add(AHEAD).max(asked.end);
            let Some(rows) = fetch(ahead.clone()) else {
                self.damaged = ahead;
                return fetch(asked).ok_or(Unreadable);
            };
            (self.range, self.rows) = (ahead, rows);
        }
        let from = self.rows.partition_point(|row| index(row) < asked.start);
        let rows = self.rows.iter().skip(from);
        Ok(rows.take_while(|row| index(row) < asked.end).cloned().collect())
    }
}

impl Source for Database {
    fn checkpoints(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable> {
        self.reader.ask(|tx| checkpoints(tx, from_size, limit)).ok_or(Unreadable)
    }

    fn witnessed(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable> {
        self.reader.ask(|tx| witnessed(tx, from_size, limit)).ok_or(Unreadable)
    }

    fn tile(&mut self, id: TileId, width: usize) -> Result<Option<Vec<Hash>>, Unreadable> {
        let found = self.reader.ask(|tx| {
            let row = tile::table.find((i16::from(id.level), to_seq(id.index)));
            row.select(tile::hashes).first::<Vec<u8>>(tx).optional()
        });
        let bytes = found.ok_or(Unreadable)?;
        Ok(bytes.map(|bytes| {
            let whole = tile_hashes(&bytes).ok().filter(|hashes| hashes.len() == TILE_WIDTH);
            let mut hashes = whole.unwrap_or_default();
            hashes.truncate(width);
            hashes
        }))
    }

    fn keeps_partial_tiles(&self) -> bool {
        false
    }

    fn bodies(&mut self, range: Range<u64>) -> Result<Vec<StoredBody>, Unreadable> {
        let Self { reader, ahead } = self;
        let fetch = |range| reader.ask(|tx| bodies(tx, &range));
        ahead.bodies.read(range, |stored| stored.index, fetch)
    }

    fn leaves(&mut self, range: Range<u64>) -> Result<Option<Vec<(u64, Hash)>>, Unreadable> {
        let Self { reader, ahead } = self;
        let fetch = |range| reader.ask(|tx| leaves(tx, &range));
        ahead.leaves.read(range, |(index, _)| *index, fetch).map(Some)
    }

    fn end(&mut self) -> Result<u64, Unreadable> {
        let last = self.reader.ask(|tx| {
            let leaf = leaf::table.select(max(leaf::seq)).first::<Option<i64>>(tx)?;
            let entry = entry::table.select(max(entry::seq)).first::<Option<i64>>(tx)?;
            Ok::<_, diesel::result::Error>(leaf.max(entry))
        });
        let last = last.ok_or(Unreadable)?.and_then(|seq| u64::try_from(seq).ok());
        Ok(last.map_or(0, |last| last.saturating_add(1)))
    }
}

fn checkpoints(tx: &mut Tx, from_size: u64, limit: usize) -> QueryResult<Vec<StoredNote>> {
    type Row = (i64, i64, Vec<u8>, String);
    let columns =
        (checkpoint::size, checkpoint::issued_at_unix_ms, checkpoint::root, checkpoint::note);
    let in_order =
        checkpoint::table.order((checkpoint::size, checkpoint::issued_at_unix_ms)).select(columns);
    let mut rows: Vec<Row> =
        in_order.filter(checkpoint::size.ge(to_seq(from_size))).limit(to_limit(limit)).load(tx)?;
    if let Some((size, at, ..)) = rows.last().filter(|_| rows.len() == limit) {
        let rest = in_order
            .filter(checkpoint::size.eq(*size))
            .filter(checkpoint::issued_at_unix_ms.gt(*at));
        rows.extend(rest.load::<Row>(tx)?);
    }
    let stored = |(size, stored_at_unix_ms, root, note): Row| StoredNote {
        size: to_number(size),
        stored_at_unix_ms,
        // What is no hash is no checkpoint's root either.
        root: Some(Hash::try_from(root.as_slice()).unwrap_or(EMPTY_ROOT)),
        note,
    };
    Ok(rows.into_iter().map(stored).collect())
}

fn witnessed(tx: &mut Tx, from_size: u64, limit: usize) -> QueryResult<Vec<StoredNote>> {
    type Row = (i64, i64, String);
    let in_order = cosigned::table.order((cosigned::size, cosigned::cosigned_at_unix_ms)).select((
        cosigned::size,
        cosigned::cosigned_at_unix_ms,
        cosigned::note,
    ));
    let mut rows: Vec<Row> =
        in_order.filter(cosigned::size.ge(to_seq(from_size))).limit(to_limit(limit)).load(tx)?;
    if let Some((size, at, _)) = rows.last().filter(|_| rows.len() == limit) {
        let rest =
            in_order.filter(cosigned::size.eq(*size)).filter(cosigned::cosigned_at_unix_ms.gt(*at));
        rows.extend(rest.load::<Row>(tx)?);
    }
    let stored = |(size, stored_at_unix_ms, note)| StoredNote {
        size: to_number(size),
        stored_at_unix_ms,
        root: None,
        note,
    };
    Ok(rows.into_iter().map(stored).collect())
}

fn bodies(tx: &mut Tx, range: &Range<u64>) -> QueryResult<Vec<StoredBody>> {
    type Row = (i64, i32, String, Option<String>, Option<String>, Vec<u8>);
    // SQLite looks at the next row to see that the range has ended; there it may be unreadable.
    // On PostgreSQL two months may both hold an index.
    let rows_max = match tx {
        Tx::Sqlite(_) => to_seq(range.end.saturating_sub(range.start)),
        Tx::Postgres(_) => i64::MAX,
    };
    let rows: Vec<Row> = entry::table
        .filter(entry::seq.ge(to_seq(range.start)))
        .filter(entry::seq.lt(to_seq(range.end)))
        .order((entry::seq, entry::segment))
        .limit(rows_max)
        .select((
            entry::seq,
            entry::segment,
            entry::act,
            entry::inquirer,
            entry::provider,
            entry::body,
        ))
        .load(tx)?;
    let stored = |(seq, segment, act, inquirer, provider, body): Row| StoredBody {
        index: to_number(seq),
        body,
        listed: Some(Listed { segment, is_order: act != "outcome", inquirer, provider }),
    };
    Ok(rows.into_iter().map(stored).collect())
}

fn leaves(tx: &mut Tx, range: &Range<u64>) -> QueryResult<Vec<(u64, Hash)>> {
    let rows: Vec<(i64, Vec<u8>)> = leaf::table
        .filter(leaf::seq.ge(to_seq(range.start)))
        .filter(leaf::seq.lt(to_seq(range.end)))
        .order(leaf::seq)
        .limit(to_seq(range.end.saturating_sub(range.start)))
        .select((leaf::seq, leaf::hash))
        .load(tx)?;
    // A row that holds no hash is as good as none.
    let stored =
        |(seq, hash): (i64, Vec<u8>)| Some((to_number(seq), Hash::try_from(hash.as_slice()).ok()?));
    Ok(rows.into_iter().filter_map(stored).collect())
}

fn to_number(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

fn to_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
