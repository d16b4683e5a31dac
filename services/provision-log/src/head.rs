//! The log at its newest checkpoint, and how it is found again in the database.

use std::sync::Arc;

use db::{DbError, Tx, TxError};
use ledger::{
    Checkpoint, Hash, NoteError, Origin, ReadError, Signer, TILE_WIDTH, TileId, Tree,
    verify_consistency,
};

use crate::store::{self, StoreError};

/// A tree with the signed checkpoint that speaks of it.  A clone of the `Arc` is a moment of the
/// log: who holds one can prove things about that moment while the log goes on.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) tree: Tree,
    pub(crate) note: String,
}

/// The log's key and name.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    signer: Arc<Signer>,
    origin: Origin,
}

/// Why a stored log is not taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RestoreError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the last checkpoint of the provision log is not signed by this log's key")]
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

impl Keeper {
    pub(crate) fn new(signer: Signer) -> Self {
        let origin = Origin::from(signer.verifier().name().clone());
        Self { signer: Arc::new(signer), origin }
    }

    /// Says what a tree is, to be signed and stored.
    pub(crate) fn checkpoint(&self, tree: &Tree) -> (Checkpoint, String) {
        let (size, root) = (tree.size(), tree.root());
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        let note = checkpoint.sign(&self.signer).to_string();
        (checkpoint, note)
    }

    /// Finds the log in the database; `None` if it has not begun.
    ///
    /// The newest checkpoint must be signed by our key, and the stored tiles and the bodies after
    /// them must lead to its root.
    pub(crate) fn restore(&self, tx: &mut Tx) -> Result<Option<Head>, RestoreError> {
        let Some(note) = store::last_note(tx)? else {
            return if store::entries_from(tx, 0)? {
                Err(RestoreError::Unsealed)
            } else {
                Ok(None)
            };
        };
        let verifier = self.signer.verifier().clone();
        let checkpoint =
            Checkpoint::open(&note, &self.origin, &[verifier]).map_err(RestoreError::Unsigned)?;
        let Checkpoint { size, root, .. } = checkpoint;
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
        let (new_tree, old_tree) = (&head.tree, &old.tree);
        let (old_size, new_size) = (old_tree.size(), new_tree.size());
        if new_size < old_size {
            return Err(RestoreError::Diverged);
        }
        let proof = new_tree.consistency_proof(old_size, new_size, |id, _| store::tile(tx, id))?;
        verify_consistency(old_size, old_tree.root(), new_size, new_tree.root(), &proof)
            .map_err(|_| RestoreError::Diverged)?;
        Ok(head)
    }
}

/// Full tiles are stored; the leaves after the last of them are hashed again from their bodies.
fn read_stored(tx: &mut Tx, id: TileId, width: usize) -> Result<Vec<Hash>, StoreError> {
    if width == TILE_WIDTH {
        return store::tile(tx, id);
    }
    let tile_width = u64::try_from(TILE_WIDTH).map_err(|_| StoreError::Damaged)?;
    let first = id.index.checked_mul(tile_width).ok_or(StoreError::Damaged)?;
    store::leaves(tx, first, width)
}
