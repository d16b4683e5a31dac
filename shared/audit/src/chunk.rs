//! 256 entries as they are stored: bodies, leaf rows and the tile over them.

use ledger::{Hash, TileId, leaf_hash};

use crate::desk::{Desk, Tile, chunk_span};
use crate::fold::{WIDTH, tile_root};
use crate::ranges::Ranges;
use crate::resolve::Claims;
use crate::source::StoredBody;

#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) first: u64,
    /// What is claimed for each leaf that the log's size says there is.
    claims: Vec<Claims>,
    /// Ascending; also those beyond the log's size, and several for one index.
    pub(crate) bodies: Vec<(StoredBody, Hash)>,
    pub(crate) keeps_tile: bool,
    pub(crate) keeps_rows: bool,
    /// Leaf rows beyond the log's size.
    pub(crate) rows_beyond: Ranges,
    pub(crate) unreadable: Ranges,
    pub(crate) unreadable_rows: Ranges,
}

impl Chunk {
    /// Reads a chunk of a log of this size.
    pub(crate) fn read(desk: &mut Desk<'_>, number: u64, size: u64) -> Self {
        let first = number.saturating_mul(WIDTH);
        let all = first..first.saturating_add(WIDTH);
        let read = desk.bodies(all.clone());
        let bodies: Vec<_> = read
            .items
            .into_iter()
            .map(|stored| {
                let hash = leaf_hash(&stored.body);
                (stored, hash)
            })
            .collect();
        let rows = desk.leaves(all.clone());
        let id = TileId { level: 0, index: number };
        let span = chunk_span(number, size);
        let tile = if span.is_empty() { Tile::default() } else { desk.tile(id, size) };
        let claims = tile.places.into_iter().map(|tile| [None, tile, None, None]).collect();
        let mut chunk = Self {
            first,
            claims,
            bodies,
            keeps_tile: tile.is_kept,
            keeps_rows: rows.is_some(),
            rows_beyond: Ranges::default(),
            unreadable: read.unreadable,
            unreadable_rows: Ranges::default(),
        };
        if let Some(rows) = rows {
            chunk.unreadable_rows = rows.unreadable;
            chunk.claim_rows(rows.items);
        }
        chunk.claim_bodies();
        for receipt in desk.receipts_within(all) {
            if let Some([.., proven]) = chunk.claims_at(receipt.index) {
                *proven = Some(receipt.leaf);
            }
        }
        chunk
    }

    fn claim_rows(&mut self, rows: Vec<(u64, Hash)>) {
        for (index, hash) in rows {
            match self.claims_at(index) {
                Some([.., row, _]) => *row = Some(hash),
                None => self.rows_beyond.push(index..index.saturating_add(1)),
            }
        }
    }

    /// Of several bodies for one index the one counts that another place agrees with.
    fn claim_bodies(&mut self) {
        let first = self.first;
        for (stored, hash) in &self.bodies {
            let place = stored.index.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            let Some([body, tile, row, _]) = place.and_then(|at| self.claims.get_mut(at)) else {
                continue;
            };
            if body.is_none() || [*tile, *row].contains(&Some(*hash)) {
                *body = Some(*hash);
            }
        }
    }

    fn claims_at(&mut self, index: u64) -> Option<&mut Claims> {
        let place = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.claims.get_mut(place)
    }

    pub(crate) fn claims(&self) -> &[Claims] {
        &self.claims
    }

    /// One past the last leaf.
    pub(crate) fn end(&self) -> u64 {
        self.first + u64::try_from(self.claims.len()).unwrap_or(WIDTH)
    }

    /// The root that the bodies make, or for those that are gone what is stored in their place.
    pub(crate) fn root_of_bodies(&self) -> Option<Hash> {
        tile_root(&self.preferred()?)
    }

    /// The same, but from the leaf rows, as far as there are any.
    pub(crate) fn root_of_rows(&self) -> Option<Hash> {
        let pick = |[body, tile, row, _]: &Claims| row.or(*tile).or(*body);
        tile_root(&self.claims.iter().map(pick).collect::<Option<Vec<_>>>()?)
    }

    /// Whether places of storage say different things about a leaf.
    pub(crate) fn is_contradictory(&self) -> bool {
        self.claims.iter().any(|claims| {
            let mut hashes = claims.iter().flatten();
            hashes.next().is_some_and(|first| hashes.any(|other| other != first))
        })
    }

    /// For each leaf the body's hash, or what is stored in its place.
    pub(crate) fn preferred(&self) -> Option<Vec<Hash>> {
        self.claims.iter().map(|claims| claims.iter().flatten().next().copied()).collect()
    }
}
