//! What leaves a room on purpose: files for the ledger, everything about one person for that person,
//! and what the municipality's own systems say and ask in the manner of the national PMH interface.

use domain::subject::Flags;
use domain::vaccination::{Vaccination, iso_date};
use domain::{InquiryId, MunicipalityCode, NoticeKind};
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::notices::{HeldState, NoticeState};
use crate::partition::Received;
use crate::quarantine::{Given, QuarantineOrigin};
use crate::records::{DoseVersion, RecordSource, SubjectVersion};
use crate::{Base64Bytes, WireNumber};

pub const EXPORTS_DOSES: &str = "/v1/exports/doses";
pub const EXPORTS_SUBJECTS: &str = "/v1/exports/subjects";
pub const DISCLOSURES_FULL: &str = "/v1/disclosures/full";
pub const DISCLOSURES_PAGE: &str = "/v1/disclosures/page";

/// Persons on one page of an export.
pub const EXPORT_LIMIT_MAX: u16 = 1_000;

/// Asks for one page of a file.  Pages put together are the file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportPage {
    /// `subjects-export-1`; `doses-1`, `doses-ledger` or `doses-export-1` (docs/FILES.md).
    #[schema(example = "doses-1")]
    pub layout: String,
    pub encoding: FileEncoding,
    pub line_end: FileLineEnd,
    /// `next` of the page before; absent for the first page, which has the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ExportPlace>,
    /// Persons, 1 to 1,000.
    pub limit: u16,
}

/// Where a page begins, and which moment the whole file tells of; sent back as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportPlace {
    /// The last person of the page before.
    pub after: Uuid,
    /// When the first page was asked for.
    pub at_unix_ms: i64,
    /// How long the room's operation log was then.
    pub operations: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum FileEncoding {
    #[serde(rename = "utf-8")]
    Utf8,
    /// With the byte order mark that spreadsheets ask for.
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    #[serde(rename = "cp932")]
    Cp932,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileLineEnd {
    Crlf,
    Lf,
}

/// One page of a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    #[schema(value_type = String, format = Byte)]
    pub content: Base64Bytes,
    pub rows: u64,
    /// SHA-256 of the content, in hex; the operation log keeps it.
    pub sha256: String,
    /// What could not be written as it is.
    pub remarks: Vec<ExportRemark>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ExportPlace>,
}

/// Something to know about a row; never what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportRemark {
    pub subject: Uuid,
    /// Absent where it concerns the row as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// A code of docs/FILES.md, such as `unmappable`.
    pub reason: String,
    /// Whether the row is in the file.
    pub written: bool,
}

/// Asks for everything about one person, for that person's request.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiscloseAll {
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub individual_number: WireNumber,
}

/// Everything about one person.  There is no place for the individual number in it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FullDisclosure {
    #[schema(value_type = String)]
    pub municipality: MunicipalityCode,
    pub disclosed_at_unix_ms: i64,
    /// The person's entry, oldest version first.
    pub entry: Vec<SubjectVersion>,
    /// What was set on the person, and when it changed; oldest first.
    pub flags: Vec<FlagChange>,
    /// Every version of every dose, oldest first within a dose; corrections and withdrawals say why.
    pub doses: Vec<DoseVersion>,
    pub vouchers: Vec<DisclosedVoucher>,
    /// Who received the records, each with its proof; oldest first.
    pub provided: Vec<Received>,
    /// Whom this municipality asked about the person; oldest first.
    pub inquiries: Vec<DisclosedInquiry>,
    /// Who asked while the person was protected, and was not answered at once; oldest first.
    pub held_back: Vec<HeldBack>,
    /// What other municipalities said later about doses they had provided; oldest first.
    pub notices: Vec<DisclosedNotice>,
    /// Rows of files and of venues that people look at, or have decided on; oldest first.
    pub doubtful: Vec<DisclosedDoubt>,
    /// What becomes part of the register if a file is approved; oldest first.
    pub waiting: Vec<WaitingRows>,
    /// What was found when a file was compared with the register.
    pub findings: Vec<FileFinding>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlagChange {
    /// The version of the entry that brought it.
    pub version: u32,
    #[schema(value_type = Object)]
    pub flags: Flags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<RecordSource>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisclosedVoucher {
    pub number: String,
    pub dose_number: u16,
    #[serde(with = "iso_date")]
    #[schema(value_type = String, format = Date)]
    pub issued_on: Date,
    pub source: RecordSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisclosedInquiry {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    /// Who was asked.
    #[schema(value_type = String)]
    pub provider: MunicipalityCode,
    pub procedure: String,
    pub legal_basis: String,
    pub begun_at_unix_ms: i64,
    /// Absent if no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at_unix_ms: Option<i64>,
    /// Index of the entry in the provision log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// What was received, as long as it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub received: Option<Vec<Vaccination>>,
    /// When what was received is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_unix_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    /// Who asked.
    #[schema(value_type = String)]
    pub inquirer: MunicipalityCode,
    pub procedure: String,
    pub legal_basis: String,
    pub held_at_unix_ms: i64,
    pub state: HeldState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at_unix_ms: Option<i64>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisclosedNotice {
    /// Who told it.
    #[schema(value_type = String)]
    pub sender: MunicipalityCode,
    #[schema(value_type = String)]
    pub kind: NoticeKind,
    /// The inquiry by which the doses had been received.
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    pub received_at_unix_ms: i64,
    /// Exactly what was told: JSON.
    pub content: String,
    /// Index of the entry in the provision log.
    pub log_index: u64,
    pub state: NoticeState,
}

/// A doubtful row, as it was given.  What was probably meant may be about somebody else and is not
/// in it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisclosedDoubt {
    pub given: Given,
    pub doubts: Vec<DoubtText>,
    pub origin: QuarantineOrigin,
    /// Id of the file or of the capture.
    pub from: Uuid,
    /// Of the file, from 1; 0 for a capture.
    pub line: u64,
    pub state: DoubtState,
    /// What people decided, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    pub created_at_unix_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at_unix_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoubtText {
    /// One of the codes of docs/QUALITY.md.
    pub code: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DoubtState {
    /// Its file has not been approved yet.
    Staged,
    Open,
    Decided,
}

/// What one file says of a person, before it is approved.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingRows {
    pub import: Uuid,
    pub uploaded_at_unix_ms: i64,
    pub entry: Vec<SubjectVersion>,
    pub doses: Vec<DoseVersion>,
    pub vouchers: Vec<DisclosedVoucher>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileFinding {
    pub import: Uuid,
    /// One of the codes of docs/FILES.md.
    pub reason: String,
    pub text: String,
    /// Handle of the person or of the dose.
    pub about: Uuid,
}

impl std::fmt::Debug for DiscloseAll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DiscloseAll(redacted)")
    }
}

impl std::fmt::Debug for FullDisclosure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FullDisclosure(redacted)")
    }
}

impl std::fmt::Debug for DisclosedVoucher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DisclosedVoucher(redacted)")
    }
}

impl std::fmt::Debug for DisclosedNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DisclosedNotice(redacted)")
    }
}

impl std::fmt::Debug for DisclosedDoubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DisclosedDoubt(redacted)")
    }
}

impl std::fmt::Debug for WaitingRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WaitingRows(redacted)")
    }
}
