//! What is said to people: what damage means and what to do next, and what an order does.

use std::fmt;

use crate::findings::{Kind, Report};
use crate::order::{Hold, IndexRange, LiftHold, Order, OrderAct, Scope};

impl Kind {
    /// The damage in words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Edited => "the body is not the one that was logged",
            Self::Deleted => "bodies are missing that no order destroyed",
            Self::Truncated => "the log's end is missing",
            Self::Swapped => "two bodies stand in each other's place",
            Self::Inserted => "bodies stand here that were never logged",
            Self::Moved => "the database lists the entry under another municipality or month",
            Self::RolledBack => "a witness has seen a longer log: an older state was restored",
            Self::AlteredCheckpoint => "a checkpoint's signature or root is wrong",
            Self::Rewritten => "the log was written anew: a witness cosigned another one",
            Self::SplitView => "the log showed different faces to different witnesses",
            Self::Unreadable => "the medium does not give these bytes back",
            Self::UnlawfulDestruction => "bodies were destroyed against the rules",
            Self::DamagedTile => "a stored tile is not what the leaves make",
            Self::Malformed => "the body is authentic, but is not as the format says",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn next_step(self) -> &'static str {
        match self {
            Self::Edited | Self::Swapped | Self::Inserted | Self::Deleted => {
                "keep this database as evidence; the two municipalities' receipts and an earlier \
                 export hold the true bodies"
            }
            Self::Truncated | Self::RolledBack => {
                "stop the log; `watari log reconcile` brings the missing entries back from a newer \
                 export or copy"
            }
            Self::Moved => "the body is the truth; restore the row from a backup or an export",
            Self::AlteredCheckpoint => {
                "compare with an export and with the witnesses; were all keys of the log given?"
            }
            Self::Rewritten | Self::SplitView => {
                "stop the log and withdraw its key: who holds it has used it twice; keep the \
                 witnesses' notes as evidence"
            }
            Self::Unreadable => {
                "copy the medium before anything else; then restore these entries from an export"
            }
            Self::UnlawfulDestruction => {
                "show the slip at hand to the custodians; a backup may still hold the bodies"
            }
            Self::DamagedTile => "restore the tile from an export: it can be made from the leaves",
            Self::Malformed => "the program that wrote it is at fault: tell its makers the index",
        }
    }
}

/// For a person at a terminal.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
            writeln!(f, "    means: {}", finding.kind.meaning())?;
            writeln!(f, "    next:  {}", finding.kind.next_step())?;
        }
        if self.findings_omitted > 0 {
            writeln!(f, "… and {} more findings", self.findings_omitted)?;
        }
        let Self { origin, size, root, entries, destroyed, checkpoints, .. } = self;
        writeln!(f, "{origin}: {size} entries, root {root}")?;
        writeln!(f, "    {entries} bodies authentic, {destroyed} lawfully destroyed")?;
        let (cosignatures, seen) = (self.cosignatures, self.witnessed_size);
        writeln!(
            f,
            "    {checkpoints} checkpoints, {cosignatures} cosignatures up to size {seen}"
        )?;
        f.write_str(if self.sound { "sound" } else { "NOT SOUND" })
    }
}

/// What a custodian is about to sign.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {} ", self.id)?;
        match &self.order {
            OrderAct::Hold(Hold { scope, reason }) => match scope {
                Scope::Range(IndexRange { from_index, to_index }) => {
                    write!(f, "holds entries [{from_index}, {to_index}): {reason}")
                }
                Scope::Municipality(code) => write!(f, "holds all entries of {code}: {reason}"),
                Scope::Entries(entries) => write!(f, "holds entries {entries:?}: {reason}"),
            },
            OrderAct::LiftHold(LiftHold { hold }) => write!(f, "lifts the hold {hold}"),
            OrderAct::Destroy(slip) => write!(
                f,
                "destroys {} bodies of {}, kept for {} years, through {}; {} stay under a hold",
                slip.bodies,
                slip.segment,
                slip.years,
                slip.kept_through,
                slip.held.len(),
            ),
        }
    }
}
