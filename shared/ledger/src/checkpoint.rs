//! Checkpoints: what a log says about itself, signed (C2SP tlog-checkpoint).

use crate::{
    hash::Hash,
    key::{Signer, Verifier},
    name::Origin,
    note::{Note, NoteError},
};

/// Lines after the third are opaque to us; a log that needs more of them is not ours.
const EXTENSION_LINES_MAX: usize = 16;

/// A log's size and root at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: Origin,
    pub size: u64,
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: origin, size and root, each on its line.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads the text of a note that has been verified; extension lines are passed over.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines = text.strip_suffix('\n').ok_or(NoteError::NotACheckpoint)?;
        let lines: Vec<&str> = lines.split('\n').take(3 + EXTENSION_LINES_MAX + 1).collect();
        let [origin, size_text, root, extensions @ ..] = lines.as_slice() else {
            return Err(NoteError::NotACheckpoint);
        };
        let origin = Origin::parse(origin).map_err(|_| NoteError::NotACheckpoint)?;
        let size: u64 = size_text.parse().map_err(|_| NoteError::NotACheckpoint)?;
        let root = root.parse().map_err(|_| NoteError::NotACheckpoint)?;
        let plain = extensions.len() <= EXTENSION_LINES_MAX
            && extensions.iter().all(|line| !line.is_empty())
            && size.to_string() == *size_text;
        if plain { Ok(Self { origin, size, root }) } else { Err(NoteError::NotACheckpoint) }
    }

    #[must_use]
    pub fn sign(&self, signer: &Signer) -> Note {
        Note::sign(self.to_text(), signer)
    }

    /// Opens a signed checkpoint of this log; nothing of it is believed before a known key's
    /// signature holds.
    ///
    /// The origin is asked for because one key may sign for several logs: without it a checkpoint
    /// of one municipality could stand in for another's.
    pub fn open(note: &str, origin: &Origin, verifiers: &[Verifier]) -> Result<Self, NoteError> {
        let note: Note = note.parse()?;
        note.verify(verifiers)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == *origin { Ok(checkpoint) } else { Err(NoteError::WrongOrigin) }
    }
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
