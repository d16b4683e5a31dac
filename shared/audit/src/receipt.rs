//! Receipts that municipalities keep: each proves one entry of the log (docs/LOG_FORMAT.md §9).

use ledger::{Checkpoint, Hash, NoteError, ProofError, leaf_hash, verify_inclusion};
use wire::provision_log::Receipt;

use crate::verify::Trust;

/// An entry that the log has signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    pub index: u64,
    pub leaf: Hash,
    /// Size and root of the checkpoint that the log signed.
    pub size: u64,
    pub root: Hash,
}

/// Why a receipt proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("the receipt's checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    #[error("the receipt's proof: {0}")]
    Proof(#[from] ProofError),
    #[error("the receipt's proof is not a list of hashes")]
    NotHashes,
}

impl Proven {
    /// Checks a receipt with nothing but the log's keys.
    pub fn open(receipt: &Receipt, trust: &Trust) -> Result<Self, ReceiptError> {
        let Checkpoint { size, root, .. } =
            Checkpoint::open(&receipt.checkpoint, &trust.origin, &trust.log)?;
        let proof: Vec<Hash> = receipt
            .proof
            .iter()
            .map(|hash| Hash::try_from(hash.0.as_slice()).map_err(|_| ReceiptError::NotHashes))
            .collect::<Result<_, _>>()?;
        let leaf = leaf_hash(receipt.entry.as_bytes());
        verify_inclusion(leaf, receipt.index, size, root, &proof)?;
        Ok(Self { index: receipt.index, leaf, size, root })
    }
}
