//! What witnesses said they saw, held against the log.

use std::ops::Range;

use ledger::{Checkpoint, Hash, Note, NoteError};

use crate::findings::{Findings, Kind};
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

/// A root that others hold, and whether the log leads to it, as far as that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) agrees: Option<bool>,
}

/// Holds what others saw against each other and against a log of this size.
///
/// Answers the range of a rewrite, which an earlier export may narrow.
pub(crate) fn judge(mut seen: Vec<Seen>, size: u64, findings: &mut Findings) -> Option<Range<u64>> {
    seen.sort_by_key(|one| one.size);
    if let Some(largest) = seen.last().filter(|last| last.size > size) {
        findings.add(Kind::RolledBack, size, largest.size, "a longer log has been seen");
    }
    for pair in seen.windows(2) {
        if let [one, other] = pair
            && one.size == other.size
            && one.root != other.root
        {
            let detail = "two roots of one size have been signed";
            findings.add(Kind::SplitView, one.size, one.size, detail);
        }
    }
    let first_wrong = seen.iter().find(|one| one.agrees == Some(false))?.size;
    let right = seen.iter().filter(|one| one.agrees == Some(true));
    let last_right = right.clone().map(|one| one.size).filter(|size| *size < first_wrong).max();
    if let Some(later) = right.map(|one| one.size).find(|size| *size > first_wrong) {
        let detail = "no log continues both of these signed roots";
        findings.add(Kind::SplitView, first_wrong, later, detail);
    }
    Some(last_right.unwrap_or(0)..first_wrong)
}
