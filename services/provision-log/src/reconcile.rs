//! After a rollback: brings back what a stopped log has lost, from a newer export or copy.
//!
//! Invariant: only entries come back that lead to checkpoints which the log signed, and to all that
//! others hold.

use std::collections::BTreeMap;
use std::ops::Range;

use audit::{Source, Stored, StoredError, StoredNote, Trust, Unreadable, chunks, leaf_hashes};
use db::{DbError, DbUrl, Tx, TxError};
use domain::retention::segment_of;
use ledger::{Checkpoint, Hash, Tree, leaf_hash, verify_consistency};
use uuid::Uuid;
use wire::provision_log::{Act, LeafBody};

use crate::candidate::digest;
use crate::offline::Database;
use crate::store::{self, Regained, RegainedBody};

/// Size and root of a log at one moment.
pub type Moment = (u64, Hash);

/// What a reconciliation has found and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The entries that came back; empty if none was missing.
    pub regained: Range<u64>,
    /// The newest checkpoint, for the head file.
    pub note: String,
}

/// Why the log was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the log itself: {0}")]
    Own(StoredError),
    #[error("the newer export or copy: {0}")]
    Newer(StoredError),
    #[error("entries [{}, {}) are missing", .0.start, .0.end)]
    Missing(Range<u64>),
    #[error(
        "the log does not continue the checkpoint of size {size}: it was changed, not set back"
    )]
    Contradicted { size: u64 },
    #[error("the newer export or copy does not continue the checkpoint of size {size}")]
    Foreign { size: u64 },
    #[error("the newer export or copy is damaged at entry {index}")]
    Damaged { index: u64 },
}

impl ReconcileError {
    /// What to do now.
    pub fn next_step(&self) -> Option<&'static str> {
        Some(match self {
            Self::Db(_) => "is `owner_url` right, and the log stopped?",
            Self::Own(_) => "restore another backup: this database is damaged",
            Self::Newer(_) | Self::Foreign { .. } | Self::Damaged { .. } => {
                "take another export or copy: this one can't be believed"
            }
            Self::Missing(_) => {
                "give a newer export (--from) or copy of the database (--from-database) that holds \
                 them"
            }
            Self::Contradicted { .. } => {
                "keep this database as evidence and restore one that does continue it"
            }
        })
    }
}

impl TxError for ReconcileError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Unreadable> for ReconcileError {
    fn from(error: Unreadable) -> Self {
        Self::Newer(error.into())
    }
}

/// Brings a stopped log to all moments that others hold of it (`known`), as its owner.
///
/// Without a newer source it says which entries are missing.
pub async fn reconcile(
    owner: &DbUrl,
    trust: Trust,
    known: Vec<Moment>,
    newer: Option<Box<dyn Source + Send>>,
) -> Result<Reconciled, ReconcileError> {
    let url = owner.clone();
    db::as_owner(owner, move |tx| {
        let own = own_state(&mut Database::open(&url)?, &trust, &known)?;
        let size = own.checkpoint.size;
        let needed = known.iter().map(|(size, _)| *size).fold(size, u64::max);
        let Some(mut newer) = newer else {
            let nothing = Reconciled { regained: size..size, note: own.note };
            return if needed > size {
                Err(ReconcileError::Missing(size..needed))
            } else {
                Ok(nothing)
            };
        };
        let there = Stored::open(newer.as_mut(), &trust).map_err(ReconcileError::Newer)?;
        let reach = there.checkpoint.size;
        if reach < needed {
            return Err(ReconcileError::Missing(reach.max(size)..needed));
        }
        for moment in known.into_iter().chain([(size, own.checkpoint.root)]) {
            if !continues(newer.as_mut(), &there, moment).map_err(ReconcileError::Newer)? {
                return Err(ReconcileError::Foreign { size: moment.0 });
            }
        }
        let regain = Regain { newer: newer.as_mut(), there: &there, trust: &trust };
        regain.all(tx, own.tree())?;
        Ok(Reconciled { regained: size..reach, note: there.note })
    })
    .await
}

/// The log as it is; what it does not continue it can't be brought to.
fn own_state(
    own: &mut dyn Source,
    trust: &Trust,
    known: &[Moment],
) -> Result<Stored, ReconcileError> {
    let stored = match Stored::open(own, trust) {
        Err(StoredError::Empty) => Stored::empty(own, trust),
        opened => opened,
    };
    let stored = stored.map_err(ReconcileError::Own)?;
    for moment in known.iter().filter(|(size, _)| *size <= stored.checkpoint.size) {
        if !continues(own, &stored, *moment).map_err(ReconcileError::Own)? {
            return Err(ReconcileError::Contradicted { size: moment.0 });
        }
    }
    Ok(stored)
}

fn continues(
    source: &mut dyn Source,
    stored: &Stored,
    (old_size, old_root): Moment,
) -> Result<bool, StoredError> {
    let Checkpoint { size, root, .. } = stored.checkpoint;
    let proof = stored.consistency(source, old_size)?;
    Ok(verify_consistency(old_size, old_root, size, root, &proof).is_ok())
}

struct Regain<'a> {
    newer: &'a mut dyn Source,
    there: &'a Stored,
    trust: &'a Trust,
}

impl Regain<'_> {
    /// Adds everything that lies beyond this tree, in one transaction.
    fn all(mut self, tx: &mut Tx, own: &Tree) -> Result<(), ReconcileError> {
        let (size, reach) = (own.size(), self.there.checkpoint.size);
        db::owner_transaction(tx, |tx| {
            let mut tree = own.clone();
            for chunk in chunks(size..reach) {
                let regained = self.entries(chunk)?;
                store::insert_regained(tx, &regained)?;
                let tiles: Vec<_> = regained.iter().flat_map(|one| tree.append(one.hash)).collect();
                store::insert_tiles(tx, &tiles)?;
            }
            if tree.root() != self.there.checkpoint.root {
                return Err(ReconcileError::Foreign { size: reach });
            }
            self.notes(tx, size + 1)
        })
    }

    fn entries(&mut self, chunk: Range<u64>) -> Result<Vec<Regained>, ReconcileError> {
        let leaves = leaf_hashes(self.newer, chunk.clone())?;
        let stored = self.newer.bodies(chunk.clone())?;
        let mut bodies: BTreeMap<u64, Vec<u8>> =
            stored.into_iter().map(|one| (one.index, one.body)).collect();
        let read = |(index, hash): (u64, Hash)| {
            let damaged = ReconcileError::Damaged { index };
            let body = match bodies.remove(&index) {
                Some(bytes) if leaf_hash(&bytes) == hash => Some(read(bytes).ok_or(damaged)?),
                Some(_) => return Err(damaged),
                None => None,
            };
            Ok(Regained { index, hash, body })
        };
        chunk.zip(leaves).map(read).collect()
    }

    /// Checkpoints and cosigned checkpoints of this size and larger ones.
    fn notes(&mut self, tx: &mut Tx, mut from: u64) -> Result<(), ReconcileError> {
        const LIMIT: usize = 1_000;
        let begin = from;
        loop {
            let page = self.newer.checkpoints(from, LIMIT)?;
            for StoredNote { size, stored_at_unix_ms, note, .. } in &page {
                if let Ok(one) = Checkpoint::open(note, &self.trust.origin, &self.trust.log) {
                    store::regain_checkpoint(tx, (*size, one.root), note, *stored_at_unix_ms)?;
                }
            }
            match page.last() {
                Some(last) if page.len() >= LIMIT => from = last.size + 1,
                _ => break,
            }
        }
        from = begin;
        loop {
            let page = self.newer.witnessed(from, LIMIT)?;
            for StoredNote { size, stored_at_unix_ms, note, .. } in &page {
                store::regain_cosigned(tx, *size, note, *stored_at_unix_ms)?;
            }
            match page.last() {
                Some(last) if page.len() >= LIMIT => from = last.size + 1,
                _ => return Ok(()),
            }
        }
    }
}

/// What a database lists beside a body.
fn read(bytes: Vec<u8>) -> Option<RegainedBody> {
    let LeafBody { logged_at_unix_ms, act } = serde_json::from_slice(&bytes).ok()?;
    let segment = segment_of(logged_at_unix_ms)?.number();
    let (parties, permit, settled) = match act {
        Act::Outcome(entry) => {
            let permit = Uuid::parse_str(&entry.permit).ok().map(digest);
            let settled = entry.outcome.settles().then(|| digest(entry.inquiry.0));
            (Some((entry.inquirer, entry.provider)), permit, settled)
        }
        Act::Order(order) => (None, order_id(&order.note).map(digest), None),
    };
    Some(RegainedBody { segment, parties, permit, settled, bytes })
}

fn order_id(note: &str) -> Option<Uuid> {
    let order: audit::Order = serde_json::from_str(note.lines().nth(1)?).ok()?;
    Some(order.id)
}
