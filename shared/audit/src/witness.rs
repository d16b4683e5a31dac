//! What witnesses said they saw, held against the log.

use ledger::{Checkpoint, Hash, Note, NoteError};

use crate::verify::Trust;

/// A checkpoint and who saw it; every signature has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosigned {
    pub size: u64,
    pub root: Hash,
    /// Whether the log itself signed it.
    pub by_log: bool,
    pub witnesses: u64,
    /// When the last of these witnesses saw it.
    pub latest_unix_s: u64,
}

impl Cosigned {
    /// Opens a note that the log or a known witness signed; no line under a known key may be wrong.
    pub fn open(note: &str, trust: &Trust) -> Result<Self, NoteError> {
        let note: Note = note.parse()?;
        let by_log = match note.verify(&trust.log) {
            Ok(_) => true,
            Err(NoteError::UnknownKeys) => false,
            Err(error) => return Err(error),
        };
        let (mut witnesses, mut latest_unix_s) = (0, 0);
        for witness in &trust.witnesses {
            if let Some(cosignature) = witness.verify(&note)? {
                witnesses += 1;
                latest_unix_s = cosignature.time_unix_s.max(latest_unix_s);
            }
        }
        if !by_log && witnesses == 0 {
            return Err(NoteError::UnknownKeys);
        }
        let Checkpoint { origin, size, root } = Checkpoint::parse(note.text())?;
        if origin == trust.origin {
            Ok(Self { size, root, by_log, witnesses, latest_unix_s })
        } else {
            Err(NoteError::WrongOrigin)
        }
    }
}
