//! The source with a notebook: what cannot be read is noted, and reading goes on around it.

use std::collections::BTreeSet;
use std::ops::Range;

use ledger::{Hash, TileId};

use crate::findings::{Findings, Kind};
use crate::fold::{TILE_HEIGHT, WIDTH, tile_root};
use crate::ranges::Ranges;
use crate::receipt::Proven;
use crate::resolve::Budget;
use crate::source::{Source, StoredBody, Unreadable};

/// So many entries beyond the newest checkpoint are read one by one.
const ENTRIES_BEYOND_MAX: u64 = 1 << 20;
/// So many failed reads are traced to the single entry; after that whole chunks are given up.
const FAILED_READS_MAX: u32 = 100_000;

pub(crate) struct Desk<'s> {
    pub(crate) source: &'s mut dyn Source,
    pub(crate) findings: Findings,
    pub(crate) budget: Budget,
    failed_reads: u32,
    /// Leaves that the log has signed for, ascending by index.
    receipts: Vec<Proven>,
}

/// What a chunk's bodies and leaf rows are, as far as they can be read.
#[derive(Debug)]
pub(crate) struct Read<T> {
    pub(crate) items: Vec<T>,
    pub(crate) unreadable: Ranges,
}

/// A tile as it is stored.
#[derive(Debug, Default)]
pub(crate) struct Tile {
    /// A hash that is not there may be missing.
    pub(crate) places: Vec<Option<Hash>>,
    /// Whether all of it should be there.
    pub(crate) is_kept: bool,
}

impl<'s> Desk<'s> {
    pub(crate) fn new(source: &'s mut dyn Source, mut receipts: Vec<Proven>) -> Self {
        let (findings, budget) = (Findings::default(), Budget::default());
        receipts.sort_by_key(|receipt| receipt.index);
        Self { source, findings, budget, failed_reads: 0, receipts }
    }

    pub(crate) fn receipts_within(&self, entries: Range<u64>) -> Vec<Proven> {
        let first = self.receipts.partition_point(|receipt| receipt.index < entries.start);
        let later = self.receipts.iter().skip(first);
        later.take_while(|receipt| receipt.index < entries.end).copied().collect()
    }

    pub(crate) fn chunks_with_receipts(&self, entries: Range<u64>) -> BTreeSet<u64> {
        self.receipts_within(entries).into_iter().map(|receipt| receipt.index / WIDTH).collect()
    }

    /// One past the last index that there is anything to read for.
    pub(crate) fn end(&mut self, size: u64) -> u64 {
        let end = self.source.end().unwrap_or_else(|Unreadable| {
            let detail = "where the log ends cannot be read";
            self.findings.add(Kind::Unreadable, size, size, detail);
            size
        });
        // One file with a large number in its name must not keep the verifier busy for ever.
        let far = size.saturating_add(ENTRIES_BEYOND_MAX);
        if far < end {
            let detail = "entries lie far beyond the newest checkpoint";
            self.findings.add(Kind::Inserted, far, end, detail);
        }
        end.min(far)
    }

    /// The hashes of a tile in a log of this size, place by place.
    pub(crate) fn tile(&mut self, id: TileId, size: u64) -> Tile {
        let width = id.width_in(size);
        let entries = span(id, size);
        let mut is_kept = width == 256 || self.source.keeps_partial_tiles();
        let hashes = match self.source.tile(id, width) {
            Ok(hashes) => hashes.unwrap_or_default(),
            Err(Unreadable) => {
                is_kept = false;
                let detail = "a tile cannot be read";
                self.findings.add(Kind::Unreadable, entries.start, entries.end, detail);
                Vec::new()
            }
        };
        if hashes.len() > width {
            self.damaged(entries, "a tile holds more than its hashes");
        }
        let mut places: Vec<_> = hashes.into_iter().take(width).map(Some).collect();
        places.resize(width, None);
        Tile { places, is_kept }
    }

    /// The root of a full tile as it is stored, noting nothing.
    pub(crate) fn stored_root(&mut self, id: TileId) -> Option<Hash> {
        let hashes = self.source.tile(id, 256).ok()??;
        tile_root(&hashes)
    }

    pub(crate) fn damaged(&mut self, entries: Range<u64>, detail: &'static str) {
        self.findings.add(Kind::DamagedTile, entries.start, entries.end, detail);
    }

    pub(crate) fn bodies(&mut self, range: Range<u64>) -> Read<StoredBody> {
        let mut read = Read { items: Vec::new(), unreadable: Ranges::default() };
        self.in_pieces(range, &mut read, |source, range| source.bodies(range));
        read
    }

    /// Leaf rows; `None` where the source keeps none.
    pub(crate) fn leaves(&mut self, range: Range<u64>) -> Option<Read<(u64, Hash)>> {
        let mut keeps = true;
        let mut read = Read { items: Vec::new(), unreadable: Ranges::default() };
        self.in_pieces(range, &mut read, |source, range| {
            let leaves = source.leaves(range)?;
            keeps = leaves.is_some();
            Ok(leaves.unwrap_or_default())
        });
        keeps.then_some(read)
    }

    /// Halves what cannot be read until it is known which entries are lost.
    fn in_pieces<T>(
        &mut self,
        range: Range<u64>,
        read: &mut Read<T>,
        mut ask: impl FnMut(&mut dyn Source, Range<u64>) -> Result<Vec<T>, Unreadable>,
    ) {
        let mut pieces = vec![range];
        while let Some(piece) = pieces.pop() {
            if let Ok(items) = ask(self.source, piece.clone()) {
                read.items.extend(items);
                continue;
            }
            self.failed_reads = self.failed_reads.saturating_add(1);
            let middle = piece.start.midpoint(piece.end);
            if middle == piece.start || self.failed_reads > FAILED_READS_MAX {
                let detail = "the medium does not give the entry back";
                self.findings.add(Kind::Unreadable, piece.start, piece.end, detail);
                read.unreadable.push(piece);
            } else {
                pieces.push(middle..piece.end);
                pieces.push(piece.start..middle);
            }
        }
    }
}

/// The entries under a tile.
pub(crate) fn span(id: TileId, size: u64) -> Range<u64> {
    let bits = u32::from(TILE_HEIGHT) * (u32::from(id.level) + 1);
    let first = id.index.checked_shl(bits).unwrap_or(u64::MAX).min(size);
    let end = (id.index + 1).checked_shl(bits).unwrap_or(u64::MAX).min(size);
    first..end
}

/// The entries of one chunk in a log of this size.
pub(crate) fn chunk_span(chunk: u64, size: u64) -> Range<u64> {
    let first = chunk.saturating_mul(WIDTH);
    first.min(size)..first.saturating_add(WIDTH).min(size)
}
