//! What an independent witness remembers of a log, and how it judges what the log shows.
//!
//! Invariant: a checkpoint is remembered durably before anybody may cosign it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use ledger::{Checkpoint, Hash, NoteError, verify_consistency};

use crate::files::replace_file;
use crate::verify::Trust;

/// A file that holds the newest checkpoint seen.
#[derive(Debug)]
pub struct Memory {
    pub path: PathBuf,
}

/// What the log has shown, held against what was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// What is known already.
    Same,
    /// It continues what was known, or is the first; it is remembered and may be cosigned.
    Continues(Checkpoint),
    /// The log signed both; the second does not continue the first.
    Contradiction { known: String, shown: String },
}

#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    #[error("the witness's memory: {0}")]
    Io(#[from] io::Error),
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
}

impl Memory {
    /// What was seen last; a file that can't be read is no fresh start.
    fn recall(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(&self.path) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The sizes between which the log must prove that it is consistent, if it has grown.
    pub fn proof_needed(
        &self,
        shown: &str,
        trust: &Trust,
    ) -> Result<Option<(u64, u64)>, MemoryError> {
        let new = Checkpoint::open(shown, &trust.origin, &trust.log)?;
        let Some(known) = self.recall()? else { return Ok(None) };
        let old = Checkpoint::open(&known, &trust.origin, &trust.log)?;
        Ok((old.size < new.size).then_some((old.size, new.size)))
    }

    /// Judges what the log shows by its proof, and remembers it if it continues what was known.
    pub fn judge(&self, shown: &str, proof: &[Hash], trust: &Trust) -> Result<Shown, MemoryError> {
        let new = Checkpoint::open(shown, &trust.origin, &trust.log)?;
        if let Some(known) = self.recall()? {
            let old = Checkpoint::open(&known, &trust.origin, &trust.log)?;
            if old == new {
                return Ok(Shown::Same);
            }
            if verify_consistency(old.size, old.root, new.size, new.root, proof).is_err() {
                return Ok(Shown::Contradiction { known, shown: shown.to_owned() });
            }
        }
        replace_file(&self.path, shown.as_bytes())?;
        Ok(Shown::Continues(new))
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
