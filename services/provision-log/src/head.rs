//! The log at its newest checkpoint, and how it is found again in the database.

use std::sync::Arc;

use audit::{OpenedOrder, Order, OrderError};
use db::{DbError, Tx, TxError};
use ledger::{
    Checkpoint, Hash, NoteError, Origin, ReadError, Signer, TILE_WIDTH, TileId, Tree, Verifier,
    verify_consistency,
};

use crate::config::Keys;
use crate::store::{self, StoreError};

/// A tree with the signed checkpoint that speaks of it.  A clone of the `Arc` is a moment of the
/// log: who holds one can prove things about that moment while the log goes on.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) tree: Tree,
    pub(crate) note: String,
}

/// The log's keys and name.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    keys: Arc<Keys>,
    origin: Origin,
    verifiers: Arc<[Verifier]>,
}

/// Why a stored log is not taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestoreError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the last checkpoint of the provision log is not signed by a key of this log")]
    Unsigned(#[source] NoteError),
    #[error("the stored provision log does not lead to its last checkpoint's root")]
    Damaged,
    #[error("the provision log has entries that no checkpoint speaks of")]
    Unsealed,
    #[error("the stored provision log does not continue the one that was signed")]
    Diverged,
}

impl TxError for RestoreError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ReadError<StoreError>> for RestoreError {
    fn from(error: ReadError<StoreError>) -> Self {
        match error {
            ReadError::Store(StoreError::Db(error)) => Self::Db(error),
            _ => Self::Damaged,
        }
    }
}

impl Head {
    /// Before the log has begun.
    pub(crate) fn empty() -> Self {
        Self { tree: Tree::new(), note: String::new() }
    }

    /// Whether this log, as far as it is stored, continues the one of this size and root.
    pub(crate) fn continues(
        &self,
        tx: &mut Tx,
        size: u64,
        root: Hash,
    ) -> Result<bool, ReadError<StoreError>> {
        let (own_size, own_root) = (self.tree.size(), self.tree.root());
        if own_size < size {
            return Ok(false);
        }
        let proof = self.tree.consistency_proof(size, own_size, |id, _| store::tile(tx, id))?;
        Ok(verify_consistency(size, root, own_size, own_root, &proof).is_ok())
    }
}

impl Keeper {
    pub(crate) fn new(keys: Keys) -> Self {
        let origin = Origin::from(keys.signer.verifier().name().clone());
        let verifiers = keys.verifiers().into();
        Self { keys: Arc::new(keys), origin, verifiers }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Says what a tree is, to be signed and stored; with both keys while one follows the other.
    pub(crate) fn checkpoint(&self, tree: &Tree) -> (Checkpoint, String) {
        let (size, root) = (tree.size(), tree.root());
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        let mut note = checkpoint.sign(&self.keys.signer);
        if let Some(other) = &self.keys.overlapping {
            note.add_signature(other);
        }
        (checkpoint, note.to_string())
    }

    /// Opens a checkpoint that one of the log's keys signed, be it of today or of former days.
    pub(crate) fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        Checkpoint::open(note, &self.origin, &self.verifiers)
    }

    /// Opens an order for this log that a custodian signed.
    pub(crate) fn open_order(&self, note: &str) -> Result<OpenedOrder, OrderError> {
        Order::open(note, &self.origin, &self.keys.custodians)
    }

    /// Whether all keys of today signed this checkpoint.
    pub(crate) fn has_signed(&self, note: &str) -> bool {
        let today = std::iter::once(&self.keys.signer).chain(&self.keys.overlapping);
        let mut verifiers = today.map(Signer::verifier);
        verifiers.all(|key| Checkpoint::open(note, &self.origin, std::slice::from_ref(key)).is_ok())
    }

    /// Finds the log in the database; `None` if it has not begun.
    ///
    /// The newest checkpoint must be signed by a key of ours, and the stored tiles and the bodies after
    /// them must lead to its root.
    pub(crate) fn restore(&self, tx: &mut Tx) -> Result<Option<Head>, RestoreError> {
        let Some(note) = store::last_note(tx)? else {
            return if store::entries_from(tx, 0)? {
                Err(RestoreError::Unsealed)
            } else {
                Ok(None)
            };
        };
        let Checkpoint { size, root, .. } = self.open(&note).map_err(RestoreError::Unsigned)?;
        let tree = Tree::restore(size, root, |id, width| read_stored(tx, id, width))?;
        if store::entries_from(tx, size)? {
            return Err(RestoreError::Unsealed);
        }
        Ok(Some(Head { tree, note }))
    }

    /// Finds the log again, which must continue what we have signed already: a database that was
    /// set back or exchanged under a running service is not taken up.
    pub(crate) fn restore_after(&self, tx: &mut Tx, old: &Head) -> Result<Head, RestoreError> {
        let head = self.restore(tx)?.ok_or(RestoreError::Diverged)?;
        if !head.continues(tx, old.tree.size(), old.tree.root())? {
            return Err(RestoreError::Diverged);
        }
        Ok(head)
    }
}

/// Full tiles are stored; the leaves after the last of them are hashed again from their bodies.
fn read_stored(tx: &mut Tx, id: TileId, width: usize) -> Result<Vec<Hash>, StoreError> {
    if width == TILE_WIDTH {
        return store::tile(tx, id);
    }
    let count = |width| u64::try_from(width).map_err(|_| StoreError::Damaged);
    let first = id.index.checked_mul(count(TILE_WIDTH)?).ok_or(StoreError::Damaged)?;
    let stored = store::stored(tx, first..first.saturating_add(count(width)?))?;
    Ok(stored.into_iter().map(|(leaf, _)| leaf).collect())
}
