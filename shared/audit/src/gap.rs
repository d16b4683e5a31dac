//! What a log that was set back lacks, judged against what others hold of it.

use std::ops::Range;

use ledger::{Checkpoint, Hash, verify_consistency};

use crate::source::{Source, StoredNote, Unreadable};
use crate::stored::{Stored, StoredError};
use crate::verify::Trust;

/// Size and root of a log, as somebody saw them.
pub type Moment = (u64, Hash);

/// Why a log can't be brought to what others hold of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GapError {
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
}

impl GapError {
    /// What to do now.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Own(_) => "restore another backup: this database is damaged",
            Self::Newer(_) | Self::Foreign { .. } => {
                "take another export or copy: this one can't be believed"
            }
            Self::Missing(_) => {
                "give a newer export (--from) or copy of the database (--from-database) that holds \
                 them"
            }
            Self::Contradicted { .. } => {
                "keep this database as evidence, and restore one that continues the checkpoint"
            }
        }
    }
}

/// The log as it is, which must continue all that others hold of no more than its size.
pub fn own_part(own: &mut dyn Source, known: &[Moment], trust: &Trust) -> Result<Stored, GapError> {
    let stored = match Stored::open(own, trust) {
        Err(StoredError::Empty) => Stored::empty(own, trust),
        opened => opened,
    };
    let stored = stored.map_err(GapError::Own)?;
    for moment in known.iter().filter(|(size, _)| *size <= stored.checkpoint.size) {
        if !continues(own, &stored, *moment).map_err(GapError::Own)? {
            return Err(GapError::Contradicted { size: moment.0 });
        }
    }
    Ok(stored)
}

/// What the log lacks, by what others hold of it.
#[must_use]
pub fn missing(own: &Stored, known: &[Moment]) -> Range<u64> {
    let size = own.checkpoint.size;
    size..known.iter().map(|(size, _)| *size).fold(size, u64::max)
}

/// The newer log, which must continue the log itself and all that others hold of it.
pub fn newer_part(
    newer: &mut dyn Source,
    own: &Stored,
    known: &[Moment],
    trust: &Trust,
) -> Result<Stored, GapError> {
    let stored = Stored::open(newer, trust).map_err(GapError::Newer)?;
    let (reach, missing) = (stored.checkpoint.size, missing(own, known));
    if reach < missing.end {
        return Err(GapError::Missing(reach.max(missing.start)..missing.end));
    }
    let Checkpoint { size, root, .. } = own.checkpoint;
    for moment in known.iter().copied().chain([(size, root)]) {
        if !continues(newer, &stored, moment).map_err(GapError::Newer)? {
            return Err(GapError::Foreign { size: moment.0 });
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

/// Hands over one note after the other, from this size on.
pub fn each_note<E: From<Unreadable>>(
    mut from_size: u64,
    mut read: impl FnMut(u64, usize) -> Result<Vec<StoredNote>, Unreadable>,
    mut take: impl FnMut(StoredNote) -> Result<(), E>,
) -> Result<(), E> {
    const LIMIT: usize = 1_000;
    loop {
        let page = read(from_size, LIMIT)?;
        let is_last = page.len() < LIMIT;
        for note in page {
            from_size = note.size.saturating_add(1);
            take(note)?;
        }
        if is_last {
            return Ok(());
        }
    }
}
