//! What checking a file has found, as it is kept with the file's row: never a cell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::problems::ProblemKind;
use wire::imports::{Counts, Difference, FileProblem};

/// Differences shown with the preview.
pub(crate) const DIFFERENCES_MAX: usize = 100;
/// Findings kept for the sender; more are counted only.
pub(crate) const FINDINGS_MAX: u64 = 100_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Report {
    pub(crate) layout: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) differences: Vec<Difference>,
    pub(crate) problem: Option<FileProblem>,
    /// Findings so far; only the first are kept.
    pub(crate) findings: u64,
    /// Rows that approval adds, by table: a commit that adds another number is none.
    pub(crate) staged: Staged,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Staged {
    pub(crate) subjects: u64,
    pub(crate) persons: u64,
    pub(crate) vouchers: u64,
    pub(crate) vaccinations: u64,
    pub(crate) doubtful: u64,
}

impl Report {
    pub(crate) fn count_reason(&mut self, code: &str) {
        match self.reasons.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(self.reasons.insert(code.to_owned(), 1)),
        }
    }

    pub(crate) fn note_difference(&mut self, line: u64, columns: &[&str]) {
        if self.differences.len() < DIFFERENCES_MAX {
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            self.differences.push(Difference { line, columns });
        }
    }
}

/// A reason for which nothing of a file can be used, as the sender reads it.
pub(crate) fn problem(kind: &ProblemKind, line: Option<u64>) -> FileProblem {
    FileProblem {
        code: kind.code.to_owned(),
        line,
        title: kind.title.to_owned(),
        next_step: kind.next_step.to_owned(),
    }
}
