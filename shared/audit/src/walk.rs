//! One walk along the log, 256 entries at a time: leaves are proven, bodies compared with them, and
//! signed roots compared at their sizes.

use std::collections::VecDeque;
use std::ops::Range;

use ledger::Hash;

use crate::bodies::Bodies;
use crate::chunk::Chunk;
use crate::desk::Desk;
use crate::findings::Kind;
use crate::fold::{Frontier, Known, Piece, TILE_HEIGHT, WIDTH, tile_root};
use crate::notes::{Roots, Signed};
use crate::places::Places;
use crate::ranges::Ranges;
use crate::skeleton::Skeleton;

/// A root that somebody signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) by: By,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Log,
    /// A piece of evidence from outside the log, by its number.
    Others(usize),
}

pub(crate) struct Walk<'w, 's, 't> {
    pub(crate) desk: &'w mut Desk<'s>,
    pub(crate) skeleton: &'w Skeleton,
    pub(crate) signed: &'w Signed,
    pub(crate) size: u64,
    pub(crate) bodies: Bodies<'t>,
    pub(crate) places: Places,
    roots: Roots,
    /// What others hold, ascending by size.
    others: VecDeque<Point>,
    /// What others hold of sizes before the walk begins.
    before: Vec<Point>,
    /// Whether the log leads to the root of each piece of evidence, as far as that is known.
    pub(crate) agrees: Vec<Option<bool>>,
    frontier: Frontier,
    /// The last size at which a signed root was right.
    pub(crate) agreed_size: u64,
    /// Leaves whose row is missing.
    pub(crate) missing_rows: Ranges,
    /// The hashes of level 1 that the leaves make, where the newest root does not prove them.
    pub(crate) made: Vec<Option<Hash>>,
    /// The leaves after the last full tile.
    pub(crate) last_leaves: Vec<Option<Hash>>,
}

/// A chunk's leaves, as far as they are known.
type Leaves = Vec<Option<Known>>;

impl<'w, 's, 't> Walk<'w, 's, 't> {
    pub(crate) fn new(
        desk: &'w mut Desk<'s>,
        (skeleton, signed): (&'w Skeleton, &'w Signed),
        bodies: Bodies<'t>,
        (size, since): (u64, u64),
    ) -> Self {
        let first_chunk = since / WIDTH;
        let frontier = skeleton.frontier_at(first_chunk);
        Self {
            desk,
            skeleton,
            signed,
            size,
            bodies,
            places: Places::default(),
            roots: Roots::new(since),
            others: VecDeque::new(),
            before: Vec::new(),
            agrees: Vec::new(),
            agreed_size: first_chunk * WIDTH,
            frontier,
            missing_rows: Ranges::default(),
            made: Vec::new(),
            last_leaves: Vec::new(),
        }
    }

    /// Roots to hold against the log, numbered as they are given.
    pub(crate) fn with_evidence(mut self, roots: impl Iterator<Item = (u64, Hash)>) -> Self {
        let from = self.frontier.size();
        let mut points: Vec<Point> = (0..)
            .zip(roots)
            .map(|(number, (size, root))| Point { size, root, by: By::Others(number) })
            .collect();
        self.agrees = vec![None; points.len()];
        points.retain(|point| point.size <= self.size);
        let (before, others) = points.into_iter().partition(|point| point.size < from);
        self.before = before;
        let mut points: Vec<Point> = others;
        points.sort_by_key(|point| point.size);
        self.others = points.into();
        self
    }

    /// Compares with what others hold of earlier entries; only the chunks in question are read.
    fn look_back(&mut self) {
        for point in std::mem::take(&mut self.before) {
            let number = point.size / WIDTH;
            let chunk = Chunk::read(self.desk, number, self.size);
            let leaves = self.skeleton.leaves(self.desk, &chunk).unwrap_or_default();
            let (frontier, piece) = (self.skeleton.frontier_at(number), Piece::of(&leaves, true));
            let found = frontier.root_with(&piece, point.size - chunk.first);
            if let (Some(found), By::Others(number)) = (found, point.by)
                && found.is_authentic
            {
                self.note(number, found.hash == point.root);
            }
        }
        let first = self.frontier.size();
        for number in self.desk.chunks_with_receipts(0..first) {
            let chunk = Chunk::read(self.desk, number, self.size);
            let leaves = self.skeleton.leaves(self.desk, &chunk).unwrap_or_default();
            let known = |hash| Some(Known { hash, is_authentic: true });
            let leaves: Leaves = leaves.into_iter().map(known).collect();
            self.compare_receipts(&chunk, &leaves);
        }
    }

    /// Walks up to and beyond the log's size, to the end of what is stored.
    pub(crate) fn run(&mut self, end: u64) {
        self.look_back();
        // Roots of the size at which the walk begins need no leaves.
        let start = Piece::default();
        let points = self.points_up_to(self.frontier.size());
        let _ = self.compare_roots(&points, &start, self.frontier.size());
        let first = self.frontier.size() / WIDTH;
        for number in first..self.size.max(end).div_ceil(WIDTH) {
            let chunk = Chunk::read(self.desk, number, self.size);
            let leaves = self.settle(&chunk);
            self.compare_receipts(&chunk, &leaves);
            self.compare(&chunk, &leaves);
        }
    }

    fn points_up_to(&mut self, size: u64) -> Vec<Point> {
        let mut points = Vec::new();
        while let Some((size, root)) = self.roots.next(self.desk, self.signed, size) {
            points.push(Point { size, root, by: By::Log });
        }
        while let Some(point) = self.others.pop_front_if(|point| point.size <= size) {
            points.push(point);
        }
        points.sort_by_key(|point| point.size);
        points
    }

    /// Finds out what the chunk's leaves were when they were signed, and moves on behind them.
    fn settle(&mut self, chunk: &Chunk) -> Leaves {
        let width = chunk.claims().len();
        if width == 0 {
            return Vec::new();
        }
        let points = self.points_up_to(chunk.end());
        let root = self.skeleton.known(1, chunk.first / WIDTH).filter(|_| width == 256);
        let is_authentic = root.is_none_or(|root| root.is_authentic);
        let whole = self.skeleton.leaves(self.desk, chunk);
        let (leaves, node) = match whole {
            Some(hashes) => {
                let piece = Piece::of(&hashes, is_authentic);
                if self.compare_roots(&points, &piece, chunk.first) {
                    let known = |hash| Some(Known { hash, is_authentic });
                    (hashes.into_iter().map(known).collect(), root)
                } else {
                    self.settle_by_points(chunk, &points, root)
                }
            }
            None => self.settle_by_points(chunk, &points, root),
        };
        if width == 256 {
            let node = node.or(root.filter(|root| root.is_authentic));
            if !self.skeleton.is_proven() {
                self.made.push(node.map(|node| node.hash));
            }
            let known = |level, index| self.skeleton.known(level, index);
            self.frontier.push(TILE_HEIGHT, node, known);
        } else {
            self.last_leaves = leaves.iter().map(|leaf| leaf.map(|leaf| leaf.hash)).collect();
        }
        leaves
    }

    /// Compares signed roots with the tree; `false` if one differs from a tree that nothing proves.
    fn compare_roots(&mut self, points: &[Point], piece: &Piece, first: u64) -> bool {
        for point in points {
            let found = self.frontier.root_with(piece, point.size.saturating_sub(first));
            let Some(found) = found else { continue };
            if found.hash == point.root {
                self.agree(point);
            } else if found.is_authentic {
                self.disagree(point);
            } else {
                return false;
            }
        }
        true
    }

    fn agree(&mut self, point: &Point) {
        self.frontier.prove();
        self.agreed_size = self.agreed_size.max(point.size);
        if let By::Others(number) = point.by {
            self.note(number, true);
        }
    }

    fn disagree(&mut self, point: &Point) {
        match point.by {
            By::Log => {
                let detail = "the checkpoint's root is not the log's at this size";
                self.desk.findings.add(Kind::AlteredCheckpoint, point.size, point.size, detail);
            }
            By::Others(number) => self.note(number, false),
        }
    }

    fn note(&mut self, number: usize, agrees: bool) {
        if let Some(known) = self.agrees.get_mut(number) {
            *known = Some(agrees);
        }
    }

    /// Without a root over the whole chunk, signed roots within it prove it piece by piece.
    fn settle_by_points(
        &mut self,
        chunk: &Chunk,
        points: &[Point],
        root: Option<Known>,
    ) -> (Leaves, Option<Known>) {
        let claims = chunk.claims();
        let mut proven: Vec<Hash> = Vec::new();
        let mut is_broken = false;
        // Behind a gap no root can be made, so none can be compared.
        let points = if self.frontier.is_known() { points } else { &[] };
        if self.frontier.is_authentic() {
            self.agreed_size = self.agreed_size.max(chunk.first);
        }
        for point in points {
            let upto = usize::try_from(point.size - chunk.first).unwrap_or(claims.len());
            if upto <= proven.len() {
                let piece = Piece::of(&proven, true);
                self.compare_roots(&[*point], &piece, chunk.first);
                continue;
            }
            let open = claims.get(proven.len()..upto).unwrap_or_default();
            let (frontier, before) = (&self.frontier, proven.clone());
            let more = self.desk.budget.resolve(open, |picked| {
                let piece = Piece::of(&[&before, picked].concat(), false);
                let found = frontier.root_with(&piece, point.size - chunk.first);
                found.is_some_and(|found| found.hash == point.root)
            });
            match more {
                Some(more) => {
                    proven.extend(more);
                    self.agree(point);
                }
                None => {
                    self.suspect(chunk, self.agreed_size..point.size);
                    self.frontier.forget();
                    is_broken = true;
                    break;
                }
            }
        }
        let rest = claims.get(proven.len()..).unwrap_or_default();
        let is_authentic = root.is_some_and(|root| root.is_authentic);
        if let Some(root) = root.filter(|_| is_authentic && !is_broken) {
            let before = proven.clone();
            let more = self
                .desk
                .budget
                .resolve(rest, |picked| tile_root(&[&before, picked].concat()) == Some(root.hash));
            match more {
                Some(more) => proven.extend(more),
                None => self.suspect(chunk, self.agreed_size.max(chunk.first)..chunk.end()),
            }
        }
        self.presume(chunk, proven, is_broken)
    }

    /// What nothing proves is taken as it is stored, so that bodies can be compared with that.
    fn presume(
        &self,
        chunk: &Chunk,
        proven: Vec<Hash>,
        is_broken: bool,
    ) -> (Leaves, Option<Known>) {
        let rest = chunk.claims().get(proven.len()..).unwrap_or_default();
        let known = |is_authentic| move |hash| Known { hash, is_authentic };
        let stored = rest.iter().map(|[body, tile, row, receipt]| {
            receipt.or(*tile).or(*row).or(*body).map(known(false))
        });
        let proven = proven.iter().copied().map(known(true)).map(Some);
        let leaves: Leaves = proven.chain(stored).collect();
        let hashes: Option<Vec<Hash>> = leaves.iter().map(|leaf| leaf.map(|l| l.hash)).collect();
        let root = hashes.and_then(|hashes| tile_root(&hashes));
        let is_authentic = leaves.iter().all(|leaf| leaf.is_some_and(|leaf| leaf.is_authentic));
        let node = root.filter(|_| !is_broken).map(|hash| Known { hash, is_authentic });
        (leaves, node)
    }

    /// One or more entries of a range are not what was signed, and what is stored can't tell which.
    fn suspect(&mut self, chunk: &Chunk, range: Range<u64>) {
        // Where nothing at all is stored the entries are missing, which is said elsewhere.
        let has_all = chunk
            .claims()
            .iter()
            .zip(chunk.first..range.end)
            .all(|(claims, index)| index < range.start || claims.iter().any(Option::is_some));
        if has_all {
            let detail = "one or more of these entries are not what was signed";
            self.desk.findings.add(Kind::Edited, range.start, range.end, detail);
        }
    }

    /// The log signed for an entry that is not the one it has now.
    fn compare_receipts(&mut self, chunk: &Chunk, leaves: &Leaves) {
        for receipt in self.desk.receipts_within(chunk.first..chunk.end()) {
            let place = usize::try_from(receipt.index - chunk.first).ok();
            let leaf = place.and_then(|at| leaves.get(at)).copied().flatten();
            if leaf.is_some_and(|leaf| leaf.is_authentic && leaf.hash != receipt.leaf) {
                let detail = "a receipt shows that the log had another entry here";
                self.desk.findings.one(Kind::Rewritten, receipt.index, detail);
            }
        }
    }

    /// Compares bodies, leaf rows and the tile with the leaves.
    fn compare(&mut self, chunk: &Chunk, leaves: &Leaves) {
        let mut bodies = chunk.bodies.as_slice();
        let mut is_tile_damaged = false;
        for ((index, leaf), claims) in (chunk.first..).zip(leaves).zip(chunk.claims()) {
            let count = bodies.partition_point(|(stored, _)| stored.index <= index);
            let (here, rest) = bodies.split_at(count);
            bodies = rest;
            let leaf = leaf.map(|leaf| leaf.hash);
            let right = here.iter().position(|(_, hash)| Some(*hash) == leaf);
            if here.is_empty() {
                if !chunk.unreadable.contains(index) {
                    self.places.is_empty_at(index, leaf);
                }
            } else if let (None, Some(leaf)) = (right, leaf) {
                self.places.is_lost(index, leaf);
            }
            for (place, (stored, hash)) in (0..).zip(here) {
                if right == Some(place) {
                    self.bodies.take(stored, &mut self.desk.findings);
                } else {
                    let body = (*hash, stored.body.as_slice());
                    self.places.is_foreign(index, body, &mut self.desk.findings);
                }
            }
            let [body, tile, row, _] = *claims;
            is_tile_damaged |=
                (tile.is_some() || chunk.keeps_tile) && leaf.is_some() && tile != leaf;
            let is_row_lost = row.is_none() && !chunk.unreadable_rows.contains(index);
            if chunk.keeps_rows && is_row_lost {
                self.missing_rows.push(index..index + 1);
            } else if row.is_some() && row != leaf && row != body {
                let detail = "the leaf's hash is not what the entry makes";
                self.desk.findings.one(Kind::DamagedTile, index, detail);
            }
        }
        if is_tile_damaged {
            let detail = "a tile is not what the leaves make";
            self.desk.damaged(chunk.first..chunk.end(), detail);
        }
        for (stored, hash) in bodies {
            let body = (*hash, stored.body.as_slice());
            self.places.is_foreign(stored.index, body, &mut self.desk.findings);
        }
        for range in chunk.rows_beyond.iter() {
            let detail = "entries lie beyond the newest checkpoint";
            self.desk.findings.add(Kind::Inserted, range.start, range.end, detail);
        }
    }
}
