//! Verbs: the checkpoint, tiles, inclusion and consistency proofs.

use ledger::{Hash, ReadError, TileId};
use service::{ApiError, problems};
use wire::Base64Bytes;
use wire::provision_log::{Proof, ProveConsistency, ProveInclusion};

use crate::head::Head;
use crate::log::Log;
use crate::store::{self, StoreError};

/// The tile is not among those the tree keeps in memory.
#[derive(Debug)]
struct Elsewhere;

impl Log {
    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> String {
        self.head().note.clone()
    }

    /// A tile by its path (c2sp.org/tlog-tiles), full or partial, as hashes one after the other.
    pub async fn tile(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let not_found = || ApiError::new(&problems::NOT_FOUND);
        let (id, width) = TileId::parse_path(path).map_err(|_| not_found())?;
        let head = self.head();
        if id.width_in(head.tree.size()) < width {
            return Err(not_found());
        }
        let near = head.tree.tile(id).and_then(|hashes| hashes.get(..width));
        let hashes = match near {
            Some(hashes) => hashes.to_vec(),
            // No longer at the edge, so it is full and stored.
            None => self.db.read("provision-log.tile", move |tx| store::tile(tx, id)).await?,
        };
        Ok(hashes.iter().take(width).flat_map(Hash::as_bytes).copied().collect())
    }

    /// Proves that an entry is in the log as it was at a size.
    pub async fn prove_inclusion(&self, wanted: ProveInclusion) -> Result<Proof, ApiError> {
        let ProveInclusion { index, size } = wanted;
        let head = self.head();
        if size > head.tree.size() {
            return Err(ApiError::field("size"));
        }
        if index >= size {
            return Err(ApiError::field("index"));
        }
        let hashes = self.inclusion(&head, index, size).await?;
        Ok(Proof { hashes: to_wire(&hashes) })
    }

    /// Proves that the log at one size continues the log at an older size.
    pub async fn prove_consistency(&self, wanted: ProveConsistency) -> Result<Proof, ApiError> {
        let ProveConsistency { old_size, new_size } = wanted;
        let head = self.head();
        if new_size > head.tree.size() {
            return Err(ApiError::field("newSize"));
        }
        if old_size > new_size {
            return Err(ApiError::field("oldSize"));
        }
        let hashes = self
            .db
            .read("provision-log.consistency", move |tx| {
                head.tree
                    .consistency_proof(old_size, new_size, |id, _| store::tile(tx, id))
                    .map_err(unreadable)
            })
            .await?;
        Ok(Proof { hashes: to_wire(&hashes) })
    }

    /// Proofs near the right edge, so those of new entries, need no database.
    pub(crate) async fn inclusion(
        &self,
        head: &std::sync::Arc<Head>,
        index: u64,
        size: u64,
    ) -> Result<Vec<Hash>, ApiError> {
        match head.tree.inclusion_proof(index, size, |_, _| Err(Elsewhere)) {
            Ok(hashes) => return Ok(hashes),
            Err(ReadError::Store(Elsewhere)) => {}
            Err(_) => return Err(StoreError::Damaged.into()),
        }
        let head = std::sync::Arc::clone(head);
        let read = move |tx: &mut db::Tx| {
            head.tree.inclusion_proof(index, size, |id, _| store::tile(tx, id)).map_err(unreadable)
        };
        Ok(self.db.read("provision-log.inclusion", read).await?)
    }
}

pub(crate) fn unreadable(error: ReadError<StoreError>) -> StoreError {
    match error {
        ReadError::Store(error) => error,
        _ => StoreError::Damaged,
    }
}

pub(crate) fn to_wire(hashes: &[Hash]) -> Vec<Base64Bytes> {
    hashes.iter().map(|hash| Base64Bytes(hash.as_bytes().to_vec())).collect()
}
