//! What is wrong with a log, and where.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use ledger::Hash;
use serde::{Deserialize, Serialize};

/// How a log can be damaged (docs/LOG_FORMAT.md §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Edited,
    Deleted,
    Truncated,
    Swapped,
    Inserted,
    Moved,
    RolledBack,
    AlteredCheckpoint,
    Rewritten,
    SplitView,
    Unreadable,
    UnlawfulDestruction,
    DamagedTile,
    Malformed,
}

/// One kind of damage in one place: the indices from `from_index` to before `to_index`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub kind: Kind,
    pub from_index: u64,
    pub to_index: u64,
    pub detail: String,
}

/// The verifier's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub origin: String,
    /// Size and root of the newest checkpoint that the log signed.
    pub size: u64,
    pub root: Hash,
    /// How many bodies were read and found authentic.
    pub entries: u64,
    /// How many bodies were destroyed lawfully.
    pub destroyed: u64,
    pub checkpoints: u64,
    pub cosignatures: u64,
    /// The largest size that a witness cosigned.
    pub witnessed_size: u64,
    pub sound: bool,
    pub findings: Vec<Finding>,
    /// How many more findings there were than are listed.
    pub findings_omitted: u64,
}

/// Gathers findings; neighbours of one kind become one.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// By kind, reason and first index: where it ends.
    places: BTreeMap<(Kind, &'static str, u64), u64>,
    omitted: u64,
}

/// Whoever has this much damage does not read it line by line.
const FINDINGS_MAX: usize = 100_000;

impl Findings {
    /// Notes a range of indices; an empty one stands for a checkpoint of that size.
    pub(crate) fn add(&mut self, kind: Kind, from: u64, to: u64, detail: &'static str) {
        let before = self.places.range_mut(..=(kind, detail, from)).next_back();
        if let Some(((near_kind, near_detail, near_from), near_to)) = before
            && (*near_kind, *near_detail) == (kind, detail)
            && touch(*near_from..*near_to, from..to)
        {
            *near_to = to.max(*near_to);
        } else if self.places.len() < FINDINGS_MAX {
            self.places.insert((kind, detail, from), to);
        } else {
            self.omitted += 1;
        }
    }

    pub(crate) fn one(&mut self, kind: Kind, index: u64, detail: &'static str) {
        self.add(kind, index, index.saturating_add(1), detail);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn omitted(&self) -> u64 {
        self.omitted
    }

    /// In the order of the log.
    pub(crate) fn into_list(self) -> Vec<Finding> {
        let mut list: Vec<Finding> = Vec::new();
        for ((kind, detail, from_index), to_index) in self.places {
            match list.last_mut() {
                Some(last)
                    if (last.kind, last.detail.as_str()) == (kind, detail)
                        && touch(last.from_index..last.to_index, from_index..to_index) =>
                {
                    last.to_index = last.to_index.max(to_index);
                }
                _ => {
                    let detail = detail.to_owned();
                    list.push(Finding { kind, from_index, to_index, detail });
                }
            }
        }
        list.sort_by_key(|finding| (finding.from_index, finding.to_index, finding.kind));
        list
    }
}

/// Whether two ranges are one; a checkpoint is not a neighbour of entries, nor of another.
fn touch(first: Range<u64>, second: Range<u64>) -> bool {
    if first.is_empty() || second.is_empty() { first == second } else { second.start <= first.end }
}

impl Kind {
    pub const ALL: [Self; 14] = [
        Self::Edited,
        Self::Deleted,
        Self::Truncated,
        Self::Swapped,
        Self::Inserted,
        Self::Moved,
        Self::RolledBack,
        Self::AlteredCheckpoint,
        Self::Rewritten,
        Self::SplitView,
        Self::Unreadable,
        Self::UnlawfulDestruction,
        Self::DamagedTile,
        Self::Malformed,
    ];

    /// As it stands in the report's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Deleted => "deleted",
            Self::Truncated => "truncated",
            Self::Swapped => "swapped",
            Self::Inserted => "inserted",
            Self::Moved => "moved",
            Self::RolledBack => "rolled-back",
            Self::AlteredCheckpoint => "altered-checkpoint",
            Self::Rewritten => "rewritten",
            Self::SplitView => "split-view",
            Self::Unreadable => "unreadable",
            Self::UnlawfulDestruction => "unlawful-destruction",
            Self::DamagedTile => "damaged-tile",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line for a terminal.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, from_index, to_index, detail } = self;
        write!(f, "{kind} [{from_index}, {to_index}): {detail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_finding_and_checkpoints_do_not() {
        let mut findings = Findings::default();
        for index in [7, 3, 4, 5, 9] {
            findings.one(Kind::Edited, index, "a");
        }
        findings.add(Kind::Edited, 5, 8, "a");
        findings.add(Kind::Edited, 4, 5, "a");
        findings.one(Kind::Edited, 8, "b");
        findings.add(Kind::AlteredCheckpoint, 5, 5, "c");
        findings.add(Kind::AlteredCheckpoint, 5, 5, "c");
        findings.add(Kind::AlteredCheckpoint, 6, 6, "c");
        let found: Vec<_> = findings
            .into_list()
            .into_iter()
            .map(|finding| (finding.from_index, finding.to_index))
            .collect();
        assert_eq!(found, [(3, 8), (5, 5), (6, 6), (8, 9), (9, 10)]);
    }

    #[test]
    fn a_kind_has_one_name() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }
}
