//! After a rollback: brings back what a stopped log has lost, from a newer export or copy.
//!
//! Invariant: only entries come back that lead to checkpoints which the log signed, and to all that
//! others hold.

use std::collections::BTreeMap;
use std::ops::Range;

use audit::{
    Cosigned, GapError, Moment, Source, Stored, StoredNote, Trust, Unreadable, chunks, each_note,
    leaf_hashes, missing, newer_part, own_part,
};
use db::{DbError, DbUrl, Tx, TxError};
use domain::retention::segment_of;
use ledger::{Checkpoint, Hash, Tree, leaf_hash};
use uuid::Uuid;
use wire::provision_log::{Act, LeafBody};

use crate::candidate::digest;
use crate::offline::Database;
use crate::store::{self, Regained, RegainedBody};

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
    #[error("the database")]
    Db(#[from] DbError),
    #[error(transparent)]
    Gap(#[from] GapError),
    #[error("the newer export or copy is damaged at entry {index}")]
    Damaged { index: u64 },
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
        Self::Gap(GapError::Newer(error.into()))
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
        let own = own_part(&mut Database::open(&url)?, &known, &trust)?;
        let size = own.checkpoint.size;
        let Some(mut newer) = newer else {
            let missing = missing(&own, &known);
            let whole = Reconciled { regained: size..size, note: own.note };
            return if missing.is_empty() { Ok(whole) } else { Err(GapError::Missing(missing))? };
        };
        let there = newer_part(newer.as_mut(), &own, &known, &trust)?;
        let regain = Regain { newer: newer.as_mut(), there: &there, trust: &trust };
        regain.all(tx, own.tree())?;
        Ok(Reconciled { regained: size..there.checkpoint.size, note: there.note })
    })
    .await
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
                return Err(GapError::Foreign { size: reach })?;
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
    fn notes(self, tx: &mut Tx, from: u64) -> Result<(), ReconcileError> {
        let Self { newer, trust, .. } = self;
        let read = |from, limit| newer.checkpoints(from, limit);
        each_note(from, read, |StoredNote { size, stored_at_unix_ms, note, .. }| {
            if let Ok(signed) = Checkpoint::open(&note, &trust.origin, &trust.log) {
                store::regain_checkpoint(tx, (size, signed.root), &note, stored_at_unix_ms)?;
            }
            Ok::<_, ReconcileError>(())
        })?;
        let read = |from, limit| newer.witnessed(from, limit);
        each_note(from, read, |StoredNote { size, stored_at_unix_ms, note, .. }| {
            if Cosigned::open(&note, trust).is_ok() {
                store::regain_cosigned(tx, size, &note, stored_at_unix_ms)?;
            }
            Ok(())
        })
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
