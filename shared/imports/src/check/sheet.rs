//! What a check has found and prepared since it wrote last.

use std::borrow::Cow;

use crypto::Sha256Stream;
use interchange::Problem;
use quality::Doubt;
use uuid::Uuid;
use wire::imports::Purpose;

use super::job::Job;
use crate::quarantine::{Doubtful, Origin, Row};
use crate::reason::{self, Told};
use crate::report::{FINDINGS_MAX, Report, Staged};
use crate::send::hex;
use crate::store::finding::Finding;
use crate::store::staged;

pub(super) struct Sheet {
    pub(super) report: Report,
    full: Full,
    /// Rows and findings that were written before.
    first: First,
    purpose: Purpose,
    import: Uuid,
    is_spoiled: bool,
    digest: Sha256Stream,
}

#[derive(Debug, Default)]
pub(super) struct Full {
    pub(super) subjects: Vec<staged::Subject>,
    pub(super) vouchers: Vec<staged::Voucher>,
    pub(super) doses: Vec<staged::Vaccination>,
    pub(super) doubtful: Vec<Doubtful>,
    pub(super) findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct First {
    pub(super) subjects: u64,
    pub(super) vouchers: u64,
    pub(super) vaccinations: u64,
    pub(super) findings: u64,
}

impl Sheet {
    pub(super) fn new(job: &Job) -> Self {
        let mut digest = Sha256Stream::default();
        digest.update(job.file.id.as_bytes());
        digest.update(job.file.sha256.as_bytes());
        Self {
            report: Report::default(),
            full: Full::default(),
            first: First::default(),
            purpose: job.file.purpose,
            import: job.file.id,
            is_spoiled: false,
            digest,
        }
    }

    /// What is to be written now, and how many rows came before.
    pub(super) fn take(&mut self) -> (First, Full) {
        let first = self.first;
        let Staged { subjects, vouchers, vaccinations, .. } = self.report.staged;
        let findings = self.report.findings.min(FINDINGS_MAX);
        self.first = First { subjects, vouchers, vaccinations, findings };
        (first, std::mem::take(&mut self.full))
    }

    /// Nothing more is staged: the file is damaged.  What is wrong with it is still noted.
    pub(super) fn spoil(&mut self) {
        self.is_spoiled = true;
    }

    pub(super) fn is_spoiled(&self) -> bool {
        self.is_spoiled
    }

    /// Stands for exactly what would be written, and for what was said about it.
    pub(super) fn preview(&self) -> String {
        let mut digest = self.digest.clone();
        let counts = serde_json::to_vec(&(&self.report.counts, &self.report.staged));
        digest.update(&counts.unwrap_or_default());
        hex(&digest.finish())
    }

    pub(super) fn is_for_register(&self) -> bool {
        self.purpose == Purpose::Register
    }

    pub(super) fn stage_subject(&mut self, row: staged::Subject) {
        self.digest.update(b"subject");
        self.digest.update(row.id.as_bytes());
        self.digest.update(&row.sealed);
        if let Some(new) = &row.new {
            self.digest.update(&new.number_index);
            self.digest.update(&new.address_index);
            self.report.staged.persons += 1;
        }
        self.report.staged.subjects += 1;
        self.full.subjects.push(row);
    }

    pub(super) fn stage_voucher(&mut self, row: staged::Voucher) {
        self.digest.update(b"voucher");
        self.digest.update(&row.index);
        self.digest.update(&row.sealed);
        self.report.staged.vouchers += 1;
        self.full.vouchers.push(row);
    }

    pub(super) fn stage_dose(&mut self, row: staged::Vaccination) {
        self.digest.update(b"dose");
        self.digest.update(row.id.as_bytes());
        self.digest.update(&row.sealed);
        self.report.staged.vaccinations += 1;
        self.full.doses.push(row);
    }

    /// Something new; what a comparison finds new is missing in the register.  `true` if it is to be
    /// staged.
    pub(super) fn note_new(&mut self, line: u64) -> bool {
        self.report.counts.new += 1;
        if !self.is_for_register() {
            self.note(Some(line), None, reason::MISSING_IN_REGISTER.code, None);
        }
        self.is_for_register()
    }

    pub(super) fn note_unchanged(&mut self) {
        self.report.counts.unchanged += 1;
    }

    /// Something registered that would become different; `true` if it is to be staged.
    pub(super) fn note_changed(&mut self, line: u64, columns: &[&'static str]) -> bool {
        self.report.counts.changed += 1;
        self.note_differences(line, columns);
        self.is_for_register()
    }

    fn note_differences(&mut self, line: u64, columns: &[&'static str]) {
        self.report.note_difference(line, columns);
        if !self.is_for_register() {
            for column in columns {
                self.note(Some(line), Some(column), reason::DIFFERS.code, None);
            }
        }
    }

    /// A row that comes back to its sender.
    pub(super) fn note_rejected(&mut self, line: u64, column: Option<&'static str>, told: Told) {
        self.report.counts.rejected += 1;
        self.note(Some(line), column, told.code, None);
    }

    pub(super) fn refuse_row(&mut self, found: &[Problem]) {
        self.report.counts.rejected += 1;
        for problem in found {
            self.note(Some(problem.line), problem.column, problem.reason.code(), None);
        }
    }

    /// Something that a comparison finds besides.
    pub(super) fn note_other(&mut self, line: u64, told: Told) {
        self.report.counts.changed += 1;
        self.note(Some(line), None, told.code, None);
    }

    /// A row for the quarantine desk.
    pub(super) fn note_doubtful(
        &mut self,
        line: u64,
        row: Row,
        (doubts, columns): (Vec<Doubt>, &[&'static str]),
    ) {
        if !columns.is_empty() {
            self.report.note_difference(line, columns);
        }
        self.report.counts.doubtful += 1;
        self.report.staged.doubtful += 1;
        for doubt in &doubts {
            self.note(Some(line), None, doubt.kind.code(), None);
        }
        let (origin, kinds) =
            (Origin::Import(self.import), doubts.iter().map(|one| one.kind.code()));
        self.digest.update(b"doubtful");
        self.digest.update(&line.to_be_bytes());
        kinds.for_each(|code| self.digest.update(code.as_bytes()));
        self.full.doubtful.push(Doubtful { origin, line, row, doubts });
    }

    pub(super) fn note_missing(&mut self, about: Uuid) {
        self.report.counts.missing_in_file += 1;
        self.note(None, None, reason::MISSING_IN_FILE.code, Some(about));
    }

    fn note(
        &mut self,
        line: Option<u64>,
        column: Option<&'static str>,
        code: &'static str,
        about: Option<Uuid>,
    ) {
        self.report.count_reason(code);
        if self.report.findings < FINDINGS_MAX {
            let (column, reason) = (column.map(Cow::Borrowed), Cow::Borrowed(code));
            self.full.findings.push(Finding { line, column, reason, about });
        }
        self.report.findings += 1;
    }
}
