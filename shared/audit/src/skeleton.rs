//! The tree above the leaves: which stored hashes the newest checkpoint proves.
//!
//! Even ten million entries have no more than forty thousand hashes above level 0, so all of them
//! are kept; the leaves are streamed.

use ledger::{EMPTY_ROOT, Hash, TileId};

use crate::chunk::Chunk;
use crate::desk::{Desk, Tile, span};
use crate::fold::{Frontier, Known, Piece, TILE_HEIGHT, WIDTH, tile_root};
use crate::resolve::Claims;

pub(crate) struct Skeleton {
    size: u64,
    /// Level 1 and up.
    levels: Vec<Vec<Option<Known>>>,
    /// The proven leaves after the last full tile.
    tail: Option<Vec<Hash>>,
    stored: Vec<Vec<Tile>>,
}

/// A hash somewhere in the tree and what is claimed for it.
struct Place {
    level: u8,
    index: u64,
    claims: Claims,
}

/// Which places of storage are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Stored,
    Below,
    Bodies,
}

/// Of so many tiles of level 0 the leaves are tried one by one.
const TAKEN_APART_MAX: u32 = 8;

impl Skeleton {
    /// Reads the levels above the leaves and proves them by the root, from the top down.
    pub(crate) fn build(desk: &mut Desk<'_>, size: u64, root: Hash) -> Self {
        let stored = read_levels(desk, size);
        let unproven = |hash: &Option<Hash>| hash.map(|hash| Known { hash, is_authentic: false });
        let hashes =
            |tiles: &Vec<Tile>| tiles.iter().flat_map(|tile| &tile.places).map(unproven).collect();
        let levels = stored.iter().map(hashes).collect();
        let mut skeleton = Self { size, levels, tail: None, stored };
        skeleton.prove_edge(desk, root);
        for level in (1..skeleton.height()).rev() {
            skeleton.prove_level(desk, level);
        }
        skeleton.compare(desk);
        skeleton
    }

    /// Takes over what older checkpoints proved from the leaves upwards, where the hashes between
    /// were too damaged for the newest root to prove anything.
    pub(crate) fn adopt(&mut self, desk: &mut Desk<'_>, made: &[Option<Hash>], tail: Vec<Hash>) {
        for (index, hash) in (0..).zip(made) {
            if let Some(hash) = hash {
                self.set(1, index, *hash);
            }
        }
        self.tail = Some(tail);
        for level in 2..=self.height() {
            for index in 0..self.count(level) {
                if let Some(hash) = self.proven_root(TileId { level: level - 1, index }) {
                    self.set(level, index, hash);
                }
            }
        }
        self.compare(desk);
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

    pub(crate) fn tail(&self) -> Option<&[Hash]> {
        self.tail.as_deref()
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
        edge.extend(leaf_places(&Chunk::read(desk, first_leaf / WIDTH, self.size)));
        let proven = if edge.is_empty() {
            (root == EMPTY_ROOT).then(Vec::new)
        } else {
            self.prove(desk, edge, root)
        };
        // What was only made from the hashes below is proven with them.
        for level in 2..=self.height() {
            for index in self.count(level + 1) * WIDTH..self.count(level) {
                if let Some(hash) = self.proven_root(TileId { level: level - 1, index }) {
                    self.set(level, index, hash);
                }
            }
        }
        self.tail = proven.map(|leaves| {
            let tail = leaves.into_iter().filter(|(index, _)| *index >= first_leaf);
            tail.map(|(_, leaf)| leaf).collect()
        });
    }

    /// Finds out which hashes lead to a root, asking ever more places of storage; takes them over,
    /// and answers the leaves among them.
    fn prove(
        &mut self,
        desk: &mut Desk<'_>,
        mut places: Vec<Place>,
        root: Hash,
    ) -> Option<Vec<(u64, Hash)>> {
        let mut proven = None;
        for ask in [Ask::Stored, Ask::Below, Ask::Bodies] {
            if ask != Ask::Stored {
                places = self.claim_more(desk, places, ask);
            }
            let claims: Vec<Claims> = places.iter().map(|place| place.claims).collect();
            let accept = |picked: &[Hash]| fold(&places, picked) == Some(root);
            proven = desk.budget.resolve(&claims, accept);
            if proven.is_some() {
                break;
            }
        }
        let proven = proven?;
        let mut leaves = Vec::new();
        for (place, hash) in places.iter().zip(proven) {
            match place.level {
                0 => leaves.push((place.index, hash)),
                level => self.set(level, place.index, hash),
            }
        }
        // Where the leaves of a whole tile were asked for, they make the hash above them.
        for chunk in leaves.chunk_by(|(a, _), (b, _)| a / WIDTH == b / WIDTH) {
            let hashes: Vec<Hash> = chunk.iter().map(|(_, hash)| *hash).collect();
            if let (Some(hash), Some((index, _))) = (tile_root(&hashes), chunk.first()) {
                self.set(1, index / WIDTH, hash);
            }
        }
        Some(leaves)
    }

    /// Asks for the hash under each place: of the tile below, then of the leaves below.
    fn claim_more(&self, desk: &mut Desk<'_>, places: Vec<Place>, ask: Ask) -> Vec<Place> {
        let mut more = Vec::with_capacity(places.len());
        let mut taken_apart = 0;
        for mut place in places {
            let below = TileId { level: place.level.saturating_sub(1), index: place.index };
            let [from_bodies, _, from_below, from_others] = &mut place.claims;
            match (place.level, ask) {
                (1, Ask::Below) => *from_below = desk.stored_root(below),
                (2.., Ask::Below) => *from_below = self.root_below(below),
                (1, Ask::Bodies) => {
                    let chunk = Chunk::read(desk, place.index, self.size);
                    if taken_apart < TAKEN_APART_MAX && chunk.is_contradictory() {
                        taken_apart += 1;
                        more.extend(leaf_places(&chunk));
                        continue;
                    }
                    *from_bodies = chunk.root_of_bodies();
                    *from_others = chunk.root_of_rows();
                }
                _ => {}
            }
            more.push(place);
        }
        more
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
            let places = (above * WIDTH..(above + 1) * WIDTH).map(|index| self.place(level, index));
            let places = places.collect();
            self.prove(desk, places, parent.hash);
        }
    }

    /// Notes tiles that are not what was proven.
    fn compare(&self, desk: &mut Desk<'_>) {
        for (level, tiles) in (1..).zip(&self.stored) {
            for (index, tile) in (0..).zip(tiles) {
                let id = TileId { level, index };
                let differs = (index * WIDTH..).zip(&tile.places).any(|(index, stored)| {
                    let known = self.known(level, index).filter(|known| known.is_authentic);
                    known.is_some_and(|known| Some(known.hash) != *stored)
                });
                if differs && tile.is_kept {
                    desk.damaged(span(id, self.size), ABOVE);
                }
            }
        }
    }
}

const ABOVE: &str = "a tile above the leaves is not what they make";

/// How many whole hashes a level has.
fn count(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0)
}

/// Every stored hash above the leaves; tiles that are not kept are made from those below.
fn read_levels(desk: &mut Desk<'_>, size: u64) -> Vec<Vec<Tile>> {
    let mut levels: Vec<Vec<Tile>> = Vec::new();
    for level in (1..8).take_while(|level| count(*level, size) > 0) {
        let end = count(level, size);
        let mut tiles = Vec::new();
        for index in 0..end.div_ceil(WIDTH) {
            let id = TileId { level, index };
            let is_kept = id.width_in(size) == 256 || desk.source.keeps_partial_tiles();
            if is_kept {
                tiles.push(desk.tile(id, size));
                continue;
            }
            let below = index * WIDTH..end;
            let places = match levels.last() {
                None => below.map(|index| desk.stored_root(TileId { level: 0, index })).collect(),
                Some(tiles) => below.map(|index| root_of(tiles, index)).collect(),
            };
            tiles.push(Tile { places, is_kept });
        }
        levels.push(tiles);
    }
    levels
}

fn root_of(tiles: &[Tile], index: u64) -> Option<Hash> {
    let places = &tiles.get(usize::try_from(index).ok()?)?.places;
    tile_root(&places.iter().copied().collect::<Option<Vec<_>>>()?)
}

fn leaf_places(chunk: &Chunk) -> impl Iterator<Item = Place> + '_ {
    let numbered = (chunk.first..).zip(chunk.claims());
    numbered.map(|(index, claims)| Place { level: 0, index, claims: *claims })
}

/// The root over places that lie side by side, each on its own level.
fn fold(places: &[Place], picked: &[Hash]) -> Option<Hash> {
    let mut frontier = Frontier::default();
    for (place, hash) in places.iter().zip(picked) {
        let node = Known { hash: *hash, is_authentic: false };
        frontier.push(place.level * TILE_HEIGHT, Some(node), |_, _| None);
    }
    frontier.root_with(&Piece::default(), 0).map(|known| known.hash)
}
