//! The tree above the leaves: which stored hashes the newest checkpoint proves.
//!
//! Even ten million entries have no more than forty thousand hashes above level 0, so all of them
//! are kept; the leaves are streamed.

use ledger::{EMPTY_ROOT, Hash, TileId};

use crate::chunk::Chunk;
use crate::desk::{Desk, span};
use crate::fold::{Frontier, Known, Piece, TILE_HEIGHT, WIDTH, tile_root};
use crate::resolve::Claims;

pub(crate) struct Skeleton {
    size: u64,
    /// Level 1 and up.
    levels: Vec<Vec<Option<Known>>>,
    /// The proven leaves after the last full tile.
    tail: Option<Vec<Hash>>,
}

/// A hash on the right edge, where the levels end: its height and what is claimed for it.
struct Place {
    level: u8,
    index: u64,
    claims: Claims,
}

impl Skeleton {
    /// Reads the levels above the leaves and proves them by the root, from the top down.
    pub(crate) fn build(desk: &mut Desk<'_>, size: u64, root: Hash) -> Self {
        let stored = read_levels(desk, size);
        let unproven = |hash: &Option<Hash>| hash.map(|hash| Known { hash, is_authentic: false });
        let levels = stored.iter().map(|level| level.iter().map(unproven).collect()).collect();
        let mut skeleton = Self { size, levels, tail: None };
        skeleton.prove_edge(desk, root);
        for level in (1..skeleton.height()).rev() {
            skeleton.prove_level(desk, level);
        }
        skeleton.compare(desk, &stored);
        skeleton
    }

    /// How many levels there are above the leaves.
    fn height(&self) -> u8 {
        u8::try_from(self.levels.len()).unwrap_or(u8::MAX)
    }

    fn count(&self, level: u8) -> u64 {
        count(level, self.size)
    }

    /// Whether everything is proven by the newest root.
    pub(crate) fn is_proven(&self) -> bool {
        self.tail.is_some()
            && self.levels.iter().flatten().all(|node| node.is_some_and(|node| node.is_authentic))
    }

    /// The leaves of a chunk that lead to the hash above them, wherever they are stored.
    pub(crate) fn leaves(&self, desk: &mut Desk<'_>, chunk: &Chunk) -> Option<Vec<Hash>> {
        if chunk.claims().len() < 256 {
            return self.tail.clone();
        }
        let root = self.known(1, chunk.first / WIDTH)?.hash;
        desk.budget.resolve(chunk.claims(), |picked| tile_root(picked) == Some(root))
    }

    /// The hash over a full tile one level below.
    pub(crate) fn known(&self, level: u8, index: u64) -> Option<Known> {
        let level = self.levels.get(usize::from(level.checked_sub(1)?))?;
        *level.get(usize::try_from(index).ok()?)?
    }

    /// Everything before this chunk.
    pub(crate) fn frontier_at(&self, chunk: u64) -> Frontier {
        let mut frontier = Frontier::default();
        let mut above = 0;
        for level in (1..=self.height()).rev() {
            let end = count(level, chunk.saturating_mul(WIDTH));
            for index in above * WIDTH..end {
                let known = |level, index| self.known(level, index);
                frontier.push(level * TILE_HEIGHT, self.known(level, index), known);
            }
            above = end;
        }
        frontier
    }

    /// The newest root proves the hashes on the right edge, of every level.
    fn prove_edge(&mut self, desk: &mut Desk<'_>, root: Hash) {
        let mut edge = self.edge(desk.source.keeps_partial_tiles());
        let first_leaf = self.count(1) * WIDTH;
        let tail = Chunk::read(desk, first_leaf / WIDTH, self.size);
        edge.extend((first_leaf..).zip(tail.claims()).map(|(index, claims)| Place {
            level: 0,
            index,
            claims: *claims,
        }));
        let mut proven = (edge.is_empty() && root == EMPTY_ROOT).then(Vec::new);
        for attempt in 0..3 {
            if proven.is_some() {
                break;
            }
            if attempt > 0 {
                for place in edge.iter_mut().filter(|place| place.level > 0) {
                    self.claim_more(desk, place, attempt == 2);
                }
            }
            let claims: Vec<Claims> = edge.iter().map(|place| place.claims).collect();
            proven = desk.budget.resolve(&claims, |picked| edge_root(&edge, picked) == Some(root));
        }
        let Some(proven) = proven else { return };
        for (place, hash) in edge.iter().zip(&proven).filter(|(place, _)| place.level > 0) {
            self.set(place.level, place.index, *hash);
        }
        // What was only made from the hashes below is proven with them.
        for level in 2..=self.height() {
            for index in self.count(level + 1) * WIDTH..self.count(level) {
                if let Some(hash) = self.proven_root(TileId { level: level - 1, index }) {
                    self.set(level, index, hash);
                }
            }
        }
        let leaves = edge.iter().zip(proven).filter(|(place, _)| place.level == 0);
        self.tail = Some(leaves.map(|(_, hash)| hash).collect());
    }

    /// Where tiles that are not full are not kept, the full ones below them take their place.
    fn edge(&self, keeps_partial: bool) -> Vec<Place> {
        let mut edge = Vec::new();
        for level in (1..=self.height()).rev() {
            let partial = self.count(level + 1) * WIDTH..self.count(level);
            if keeps_partial || level == 1 {
                edge.extend(partial.map(|index| self.place(level, index)));
            } else {
                let below = partial.start * WIDTH..partial.end * WIDTH;
                edge.extend(below.map(|index| self.place(level - 1, index)));
            }
        }
        edge
    }

    fn place(&self, level: u8, index: u64) -> Place {
        let stored = self.known(level, index).map(|known| known.hash);
        Place { level, index, claims: [None, stored, None, None] }
    }

    /// Asks for the hash under a place: of the tile below, then of the bodies below.
    fn claim_more(&self, desk: &mut Desk<'_>, place: &mut Place, ask_bodies: bool) {
        let [from_bodies, _, from_below, from_receipts] = &mut place.claims;
        let below = TileId { level: place.level - 1, index: place.index };
        if !ask_bodies {
            *from_below = match place.level {
                1 => desk.stored_root(below),
                _ => self.root_below(below),
            };
        } else if place.level == 1 {
            let chunk = Chunk::read(desk, place.index, self.size);
            *from_bodies = chunk.root_of_bodies();
            *from_receipts = chunk.root_with_receipts();
        }
    }

    fn root_below(&self, tile: TileId) -> Option<Hash> {
        let first = tile.index * WIDTH;
        let hashes = (first..first + WIDTH).map(|index| self.known(tile.level, index));
        let hashes: Vec<Hash> = hashes.map(|known| known.map(|k| k.hash)).collect::<Option<_>>()?;
        tile_root(&hashes)
    }

    fn proven_root(&self, tile: TileId) -> Option<Hash> {
        let first = tile.index * WIDTH;
        let mut known = (first..first + WIDTH).map(|index| self.known(tile.level, index));
        let is_proven = known.all(|known| known.is_some_and(|known| known.is_authentic));
        if is_proven { self.root_below(tile) } else { None }
    }

    fn set(&mut self, level: u8, index: u64, hash: Hash) {
        let level = level.checked_sub(1).and_then(|at| self.levels.get_mut(usize::from(at)));
        let slot = level.zip(usize::try_from(index).ok()).and_then(|(l, at)| l.get_mut(at));
        if let Some(slot) = slot {
            *slot = Some(Known { hash, is_authentic: true });
        }
    }

    /// Each proven hash proves the tile below it.
    fn prove_level(&mut self, desk: &mut Desk<'_>, level: u8) {
        for above in 0..self.count(level + 1) {
            let Some(parent) = self.known(level + 1, above).filter(|known| known.is_authentic)
            else {
                continue;
            };
            let mut places: Vec<Place> = (above * WIDTH..(above + 1) * WIDTH)
                .map(|index| self.place(level, index))
                .collect();
            let mut proven = None;
            for attempt in 0..3 {
                if attempt > 0 {
                    for place in &mut places {
                        self.claim_more(desk, place, attempt == 2);
                    }
                }
                let claims: Vec<Claims> = places.iter().map(|place| place.claims).collect();
                let accept = |picked: &[Hash]| tile_root(picked) == Some(parent.hash);
                proven = desk.budget.resolve(&claims, accept);
                if proven.is_some() {
                    break;
                }
            }
            for (place, hash) in places.iter().zip(proven.unwrap_or_default()) {
                self.set(place.level, place.index, hash);
            }
        }
    }

    /// Notes tiles that are not what was proven.
    fn compare(&self, desk: &mut Desk<'_>, stored: &[Vec<Option<Hash>>]) {
        let keeps_partial = desk.source.keeps_partial_tiles();
        for (level, hashes) in (1..).zip(stored) {
            for (index, tile) in (0..).zip(hashes.chunks(256)) {
                let id = TileId { level, index };
                let first = index * WIDTH;
                let differs = (first..).zip(tile).any(|(index, stored)| {
                    let known = self.known(level, index).filter(|known| known.is_authentic);
                    known.zip(*stored).is_some_and(|(known, stored)| known.hash != stored)
                });
                let is_kept = tile.len() == 256 || keeps_partial;
                if differs && is_kept {
                    desk.damaged(
                        span(id, self.size),
                        "a tile above the leaves is not what they make",
                    );
                }
            }
        }
    }
}

/// How many whole hashes a level has.
fn count(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0)
}

/// Every stored hash above the leaves; tiles that are not kept are made from those below.
fn read_levels(desk: &mut Desk<'_>, size: u64) -> Vec<Vec<Option<Hash>>> {
    let mut levels: Vec<Vec<Option<Hash>>> = Vec::new();
    for level in (1..8).take_while(|level| count(*level, size) > 0) {
        let end = count(level, size);
        let mut hashes = Vec::new();
        for index in 0..end.div_ceil(WIDTH) {
            let id = TileId { level, index };
            if id.width_in(size) == 256 || desk.source.keeps_partial_tiles() {
                hashes.extend(desk.tile(id, size));
            } else {
                let below: Vec<_> = (index * WIDTH..end)
                    .map(|index| match levels.last() {
                        None => desk.stored_root(TileId { level: 0, index }),
                        Some(below) => {
                            let first = usize::try_from(index * WIDTH).ok()?;
                            let tile = below.get(first..first + 256)?.iter().copied();
                            tile_root(&tile.collect::<Option<Vec<_>>>()?)
                        }
                    })
                    .collect();
                hashes.extend(below);
            }
        }
        levels.push(hashes);
    }
    levels
}

fn edge_root(edge: &[Place], picked: &[Hash]) -> Option<Hash> {
    let mut frontier = Frontier::default();
    for (place, hash) in edge.iter().zip(picked) {
        let node = Known { hash: *hash, is_authentic: false };
        frontier.push(place.level * TILE_HEIGHT, Some(node), |_, _| None);
    }
    frontier.root_with(&Piece::default(), 0).map(|known| known.hash)
}
