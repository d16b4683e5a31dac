//! Whether the stored access log is the one that was written, line by line.

use std::collections::BTreeSet;

use db::{Db, DbError, Tx};
use ledger::{Checkpoint, FullTile, Hash, Origin, TileId, Tree, Verifier, leaf_hash};
use wire::registry::AccessLine;

use crate::access_log::{LogError, WIDTH, read};
use crate::store::{self, AccessRow};

/// Tiles that are read in one transaction.
const TILES_AT_ONCE: u64 = 64;

/// What a look over the stored log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLogReport {
    /// How many lines there are, or must have been.
    pub lines: u64,
    pub damage: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("line {0} is missing, or is not what was written there")]
    Line(u64),
    #[error("lines from {from} to {to} were written again after they had been signed")]
    Rewritten { from: u64, to: u64 },
    #[error("lines from {from} to {to} cannot be proven because of the damage before them")]
    Unproven { from: u64, to: u64 },
    #[error("{0} is missing, or is not what was written there")]
    Tile(TileId),
    #[error("the checkpoint of {0} lines is not signed by the registry")]
    Checkpoint(u64),
}

impl AccessLogReport {
    pub fn is_intact(&self) -> bool {
        self.damage.is_empty()
    }

    /// The sequence numbers of lines that are damaged for certain.
    pub fn sequences(&self) -> Vec<u64> {
        let line = |damage: &Damage| match damage {
            Damage::Line(sequence) => Some(*sequence),
            _ => None,
        };
        self.damage.iter().filter_map(line).collect()
    }
}

/// Looks over the whole log; `keys` are all keys it was ever signed with.
pub async fn verify_access_log(db: &Db, keys: &[Verifier]) -> Result<AccessLogReport, DbError> {
    Walk::new(keys, Tree::new()).run(db).await
}

/// The same for the newest tiles only, and at least for what the newest checkpoint ends with.
pub(crate) async fn verify_newest(
    db: &Db,
    keys: &[Verifier],
    tiles: u64,
) -> Result<AccessLogReport, DbError> {
    let begun = db.read("registry.access-newest", move |tx| {
        let (size, _) = store::access_tail(tx)?.unwrap_or_default();
        let signed = store::access_checkpoint_newest(tx)?.saturating_sub(1);
        let newest = (size / WIDTH).saturating_sub(tiles).min(signed / WIDTH);
        for tile in (1..=newest).rev() {
            if let Some(tree) = before(tx, tile * WIDTH)? {
                return Ok::<_, DbError>(tree);
            }
        }
        Ok(Tree::new())
    });
    Walk::new(keys, begun.await?).run(db).await
}

/// The tree of the lines before a tile, if the row before it ends a group and leads there.
fn before(tx: &mut Tx, first: u64) -> Result<Option<Tree>, DbError> {
    let row = store::access_rows(tx, first.saturating_sub(1), first)?.pop();
    let root = row.and_then(|row| Hash::try_from(row.root?.as_slice()).ok());
    let Some(root) = root else { return Ok(None) };
    match Tree::restore(first, root, |id, width| read(tx, id, width)).map_err(LogError::from) {
        Ok(tree) => Ok(Some(tree)),
        Err(LogError::Db(error)) => Err(error),
        Err(LogError::Damaged) => Ok(None),
    }
}

/// A walk over the log from one tile to the next.
#[derive(Clone)]
struct Walk {
    keys: Vec<Verifier>,
    tree: Tree,
    /// How many lines there are, or must have been by the newest checkpoint.
    size: u64,
    /// Up to where a signed checkpoint agrees.
    agreed: u64,
    /// Lines whose roots have disagreed since one agreed.
    doubted: Vec<u64>,
    /// From here on nothing can be proven.
    broken: Option<u64>,
    lines: BTreeSet<u64>,
    others: Vec<Damage>,
}

impl Walk {
    fn new(keys: &[Verifier], tree: Tree) -> Self {
        Self {
            keys: keys.to_vec(),
            agreed: tree.size(),
            tree,
            size: 0,
            doubted: Vec::new(),
            broken: None,
            lines: BTreeSet::new(),
            others: Vec::new(),
        }
    }

    async fn run(mut self, db: &Db) -> Result<AccessLogReport, DbError> {
        let mut next = self.tree.size() / WIDTH;
        loop {
            let to = next.saturating_add(TILES_AT_ONCE);
            let walk = self;
            let stretch = db.read("registry.access-verify", move |tx| {
                let mut walk = walk.clone();
                walk.measure(tx)?;
                for tile in next..to.min(walk.size.div_ceil(WIDTH)) {
                    walk.tile(tx, tile)?;
                }
                Ok::<_, DbError>(walk)
            });
            self = stretch.await?;
            next = to;
            if next.saturating_mul(WIDTH) >= self.size {
                return Ok(self.report());
            }
        }
    }

    /// Lines that are gone from the end are missed by what was signed about them.
    fn measure(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        let (stored, _) = store::access_tail(tx)?.unwrap_or_default();
        let signed = store::access_checkpoints(tx, stored, u64::MAX >> 1)?;
        let signed = signed.iter().filter(|(size, note)| self.open(*size, note).is_some());
        self.size = signed.map(|(size, _)| *size).max().unwrap_or(0).max(stored);
        Ok(())
    }

    fn open(&self, size: u64, note: &str) -> Option<Checkpoint> {
        let origin = Origin::from(self.keys.first()?.name().clone());
        let checkpoint = Checkpoint::open(note, &origin, &self.keys).ok()?;
        (checkpoint.size == size).then_some(checkpoint)
    }

    fn tile(&mut self, tx: &mut Tx, index: u64) -> Result<(), DbError> {
        let first = index * WIDTH;
        let end = self.size.min(first + WIDTH);
        let rows = store::access_rows(tx, first, end)?;
        let mut rows = rows.into_iter().peekable();
        let mut lines = Vec::new();
        for sequence in first..end {
            let row = rows.next_if(|row| u64::try_from(row.seq) == Ok(sequence));
            lines.push(Line { sequence, row });
        }
        for line in &lines {
            if !line.is_whole() {
                self.lines.insert(line.sequence);
            }
        }
        let leaves = match end - first {
            WIDTH => self.full_tile(tx, index, &lines)?,
            _ => lines.iter().map(Line::leaf).collect(),
        };
        let signed = store::access_checkpoints(tx, first, end)?;
        for (line, leaf) in lines.iter().zip(leaves) {
            self.climb(tx, line, leaf, &signed)?;
        }
        Ok(())
    }

    /// The leaves of a full tile: the stored ones, unless the lines prove the tile wrong.
    fn full_tile(
        &mut self,
        tx: &mut Tx,
        index: u64,
        lines: &[Line],
    ) -> Result<Vec<Option<Hash>>, DbError> {
        let own: Vec<Option<Hash>> = lines.iter().map(Line::leaf).collect();
        let id = TileId { level: 0, index };
        let stored = store::access_tile(tx, id)?;
        let stored: Vec<_> = stored.unwrap_or_default().into_iter().map(Some).collect();
        if stored == own {
            return Ok(own);
        }
        let mut tree = self.tree.clone();
        own.iter().flatten().for_each(|leaf| drop(tree.append(*leaf)));
        let last = lines.last().and_then(|line| line.row.as_ref());
        let is_proven = last.is_some_and(|row| row.has_root(tree.root()));
        if stored.len() != own.len() || is_proven {
            self.others.push(Damage::Tile(id));
            return Ok(own);
        }
        let differ =
            lines.iter().zip(own.iter().zip(&stored)).filter(|(_, (own, kept))| own != kept);
        self.lines.extend(differ.map(|(line, _)| line.sequence));
        Ok(stored)
    }

    /// Adds a leaf and compares what was kept and signed about the tree at this size.
    fn climb(
        &mut self,
        tx: &mut Tx,
        line: &Line,
        leaf: Option<Hash>,
        signed: &[(u64, String)],
    ) -> Result<(), DbError> {
        if self.broken.is_some() {
            return Ok(());
        }
        let Some(leaf) = leaf else {
            self.broken = Some(line.sequence + 1);
            return Ok(());
        };
        for FullTile { id, hashes } in self.tree.append(leaf) {
            if id.level > 0 && store::access_tile(tx, id)? != Some(hashes) {
                self.others.push(Damage::Tile(id));
            }
        }
        if let Some(row) = line.row.as_ref().filter(|row| row.root.is_some()) {
            if row.has_root(self.tree.root()) {
                self.lines.extend(self.doubted.drain(..));
            } else {
                self.doubted.push(line.sequence);
            }
        }
        let size = self.tree.size();
        if let Some((_, note)) = signed.iter().find(|(at, _)| *at == size) {
            self.compare(size, note);
        }
        Ok(())
    }

    fn compare(&mut self, size: u64, note: &str) {
        match self.open(size, note) {
            None => self.others.push(Damage::Checkpoint(size)),
            Some(checkpoint) if checkpoint.root == self.tree.root() => {
                self.lines.extend(self.doubted.drain(..));
                self.agreed = size;
            }
            Some(_) if self.doubted.is_empty() => {
                self.others.push(Damage::Rewritten { from: self.agreed, to: size });
                self.broken = Some(size);
            }
            Some(_) => {}
        }
    }

    fn report(mut self) -> AccessLogReport {
        if let Some(first) = self.doubted.first() {
            self.lines.insert(*first);
            self.broken = Some(first + 1);
        }
        let unproven = self.broken.filter(|from| *from < self.size);
        let to = self.size;
        let lines = self.lines.into_iter().map(Damage::Line);
        let unproven = unproven.map(|from| Damage::Unproven { from, to });
        AccessLogReport {
            lines: self.size,
            damage: lines.chain(self.others).chain(unproven).collect(),
        }
    }
}

/// A place in the log and what is stored there.
struct Line {
    sequence: u64,
    row: Option<AccessRow>,
}

impl Line {
    fn leaf(&self) -> Option<Hash> {
        self.row.as_ref().map(|row| leaf_hash(&row.body))
    }

    /// Whether there is a row that says of itself what stands beside it.
    fn is_whole(&self) -> bool {
        let Some(row) = &self.row else { return false };
        let line: Result<AccessLine, _> = serde_json::from_slice(&row.body);
        line.is_ok_and(|line| line.sequence == self.sequence && line.concerns == row.municipality)
    }
}
