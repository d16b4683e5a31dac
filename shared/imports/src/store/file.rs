use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;
use uuid::Uuid;
use wire::imports::{ImportState, OpenImport, PART_BYTES, Purpose, Stage};

use super::schema::import_file;
use super::{broken_row, failed};
use crate::report::Report;

/// Where a file stands.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: Uuid,
    pub(crate) purpose: Purpose,
    pub(crate) stage: Stage,
    pub(crate) total_bytes: u64,
    pub(crate) sha256: String,
    pub(crate) wanted_layout: Option<String>,
    pub(crate) next_part: i32,
    checked_bytes: u64,
    pub(crate) report: Report,
    pub(crate) preview: Option<String>,
    pub(crate) uploaded_by: String,
    uploaded_at_unix_ms: i64,
    pub(crate) checked_by: Option<String>,
    checked_at_unix_ms: Option<i64>,
    pub(crate) decided_by: Option<String>,
    decided_at_unix_ms: Option<i64>,
    erased_at_unix_ms: Option<i64>,
}

impl File {
    /// How many parts the whole file has.
    pub(crate) fn parts(&self) -> u64 {
        self.total_bytes.div_ceil(u64::try_from(PART_BYTES).unwrap_or(u64::MAX))
    }

    pub(crate) fn has_all_parts(&self) -> bool {
        u64::try_from(self.next_part).is_ok_and(|next| next >= self.parts())
    }

    /// Whether the file announced is this one.
    pub(crate) fn is_same(&self, open: &OpenImport) -> bool {
        self.purpose == open.purpose
            && self.total_bytes == open.total_bytes
            && self.sha256 == open.sha256
            && self.wanted_layout == open.layout
    }

    pub(crate) fn state(self) -> ImportState {
        let next_part = u32::try_from(self.next_part).ok().filter(|_| !self.has_all_parts());
        let Report { layout, counts, reasons, differences, problem, .. } = self.report;
        ImportState {
            import: self.id,
            purpose: self.purpose,
            stage: self.stage,
            layout,
            total_bytes: self.total_bytes,
            sha256: self.sha256,
            next_part,
            checked_bytes: self.checked_bytes,
            counts,
            reasons,
            differences,
            preview: self.preview,
            problem,
            uploaded_by: self.uploaded_by,
            uploaded_at_unix_ms: self.uploaded_at_unix_ms,
            checked_by: self.checked_by,
            checked_at_unix_ms: self.checked_at_unix_ms,
            decided_by: self.decided_by,
            decided_at_unix_ms: self.decided_at_unix_ms,
            erased_at_unix_ms: self.erased_at_unix_ms,
        }
    }
}

const STAGES: [(Stage, &str); 8] = [
    (Stage::Uploading, "uploading"),
    (Stage::Uploaded, "uploaded"),
    (Stage::Checking, "checking"),
    (Stage::Checked, "checked"),
    (Stage::Refused, "refused"),
    (Stage::Committed, "committed"),
    (Stage::Discarded, "discarded"),
    (Stage::Expired, "expired"),
];

/// Stages in which a file and what was made of it are still there.
const OPEN: [&str; 5] = ["uploading", "uploaded", "checking", "checked", "refused"];

pub(super) fn stage_word(stage: Stage) -> &'static str {
    STAGES.iter().find(|(own, _)| *own == stage).map_or("", |(_, word)| word)
}

fn purpose_word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Register => "register",
        Purpose::Compare => "compare",
    }
}

#[derive(Queryable)]
struct Row {
    _municipality: String,
    id: Vec<u8>,
    purpose: String,
    stage: String,
    total_bytes: i64,
    sha256: String,
    wanted_layout: Option<String>,
    next_part: i32,
    checked_bytes: i64,
    report: String,
    preview: Option<String>,
    uploaded_by: String,
    uploaded_at_unix_ms: i64,
    checked_by: Option<String>,
    checked_at_unix_ms: Option<i64>,
    decided_by: Option<String>,
    decided_at_unix_ms: Option<i64>,
    erased_at_unix_ms: Option<i64>,
}

impl Row {
    fn read(self) -> Result<File, ApiError> {
        let stage = STAGES.iter().find(|(_, word)| *word == self.stage);
        let purpose = [Purpose::Register, Purpose::Compare]
            .into_iter()
            .find(|purpose| purpose_word(*purpose) == self.purpose);
        Ok(File {
            id: ::room::store::read_uuid(&self.id)?,
            purpose: purpose.ok_or_else(broken_row)?,
            stage: stage.ok_or_else(broken_row)?.0,
            total_bytes: u64::try_from(self.total_bytes).map_err(|_| broken_row())?,
            sha256: self.sha256,
            wanted_layout: self.wanted_layout,
            next_part: self.next_part,
            checked_bytes: u64::try_from(self.checked_bytes).map_err(|_| broken_row())?,
            report: serde_json::from_str(&self.report).map_err(|_| broken_row())?,
            preview: self.preview,
            uploaded_by: self.uploaded_by,
            uploaded_at_unix_ms: self.uploaded_at_unix_ms,
            checked_by: self.checked_by,
            checked_at_unix_ms: self.checked_at_unix_ms,
            decided_by: self.decided_by,
            decided_at_unix_ms: self.decided_at_unix_ms,
            erased_at_unix_ms: self.erased_at_unix_ms,
        })
    }
}

pub(super) fn json(report: &Report) -> Result<String, ApiError> {
    serde_json::to_string(report).map_err(|_| broken_row())
}

pub(crate) fn insert(
    tx: &mut Tx,
    permit: &Permit,
    open: &OpenImport,
    by: &str,
) -> Result<(), ApiError> {
    diesel::insert_into(import_file::table)
        .values((
            import_file::municipality.eq(permit.municipality().as_str()),
            import_file::id.eq(open.import.as_bytes().as_slice()),
            import_file::purpose.eq(purpose_word(open.purpose)),
            import_file::stage.eq(stage_word(Stage::Uploading)),
            import_file::total_bytes.eq(i64::try_from(open.total_bytes).map_err(|_| broken_row())?),
            import_file::sha256.eq(&open.sha256),
            import_file::wanted_layout.eq(&open.layout),
            import_file::next_part.eq(0),
            import_file::checked_bytes.eq(0),
            import_file::report.eq(json(&Report::default())?),
            import_file::uploaded_by.eq(by),
            import_file::uploaded_at_unix_ms.eq(at(permit)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

pub(super) fn at(permit: &Permit) -> i64 {
    ::room::operation_log::unix_ms(permit.context().at)
}

pub(crate) fn find(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<Option<File>, ApiError> {
    let row: Option<Row> = import_file::table
        .filter(import_file::municipality.eq(permit.municipality().as_str()))
        .filter(import_file::id.eq(import.as_bytes().as_slice()))
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(Row::read).transpose()
}

/// The newest files, newest first.
pub(crate) fn list(tx: &mut Tx, permit: &Permit, limit: i64) -> Result<Vec<File>, ApiError> {
    let rows: Vec<Row> = import_file::table
        .filter(import_file::municipality.eq(permit.municipality().as_str()))
        .order((import_file::uploaded_at_unix_ms.desc(), import_file::id))
        .limit(limit)
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(Row::read).collect()
}

/// How many files are neither in the register nor thrown away.
pub(crate) fn count_open(tx: &mut Tx, permit: &Permit) -> Result<i64, ApiError> {
    import_file::table
        .filter(import_file::municipality.eq(permit.municipality().as_str()))
        .filter(import_file::stage.eq_any(OPEN))
        .count()
        .get_result(tx)
        .map_err(failed)
}

/// The file that has waited longest for its check.
pub(crate) fn next_to_check(tx: &mut Tx, permit: &Permit) -> Result<Option<File>, ApiError> {
    let row: Option<Row> = import_file::table
        .filter(import_file::municipality.eq(permit.municipality().as_str()))
        .filter(import_file::stage.eq(stage_word(Stage::Checking)))
        .order((import_file::uploaded_at_unix_ms, import_file::id))
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(Row::read).transpose()
}

/// Files that came before a moment and that nobody has decided about.
pub(crate) fn list_overdue(
    tx: &mut Tx,
    permit: &Permit,
    before_unix_ms: i64,
) -> Result<Vec<Uuid>, ApiError> {
    let rows: Vec<Vec<u8>> = import_file::table
        .filter(import_file::municipality.eq(permit.municipality().as_str()))
        .filter(import_file::stage.eq_any(["uploading", "uploaded", "checked", "refused"]))
        .filter(import_file::uploaded_at_unix_ms.lt(before_unix_ms))
        .select(import_file::id)
        .load(tx)
        .map_err(failed)?;
    rows.iter().map(|id| ::room::store::read_uuid(id)).collect()
}
