//! The Merkle log: hashes, tiles, proofs and signed checkpoints, without any storage.
//!
//! Whoever keeps a log (the provision log, a municipality's operation log) keeps the entries; this
//! crate does the arithmetic that lets others check, years later and off-line, that nothing was
//! changed. It follows RFC 6962 / RFC 9162 for hashing and proofs and the C2SP conventions
//! tlog-tiles, tlog-checkpoint, tlog-cosignature and signed-note for what is stored and shown.
//!
//! Invariant: a [`Tree`] only grows; what was staged but not committed leaves no trace in it.
//! Invariant: what comes from outside (proofs, notes, tiles) is refused with an error, never a panic.
//! Invariant: errors carry positions, never the text they were made from.
//!
//! Reading order: [`hash`], [`tile`], [`tree`], [`proof`], [`verify`]; then [`key`], [`note`],
//! [`checkpoint`], [`cosignature`]; [`bundle`].

pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod hash;
pub mod key;
pub mod name;
pub mod note;
pub mod proof;
mod rows;
pub mod tile;
pub mod tree;
pub mod verify;

#[cfg(test)]
mod oracle;

pub use bundle::{InvalidBundle, bundle_path, read_bundle, write_bundle};
pub use checkpoint::Checkpoint;
pub use cosignature::{
    Cosignature, WitnessVerifier, cosignature_message, timed_text, witness_name,
};
pub use hash::{EMPTY_ROOT, Hash, InvalidHash, leaf_hash, node_hash};
pub use key::{InvalidKey, KeyId, Signer, Verifier};
pub use name::{InvalidName, KeyName, Origin};
pub use note::{Note, NoteError, Signature};
pub use proof::{ReadError, consistency_proof, inclusion_proof};
pub use tile::{FullTile, InvalidTile, TILE_WIDTH, TileId, tile_hashes};
pub use tree::{Batch, StaleBatch, Tree};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
