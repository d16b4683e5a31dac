//! What leaves a room on purpose: files for the ledger, everything about one person for that person,
//! and what the municipality's own systems say and ask in the manner of the national PMH interface.

use domain::subject::Flags;
use domain::vaccination::iso_date;
use domain::{InquiryId, MunicipalityCode};
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::partition::Received;
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
    pub from: Option<Uuid>,
    /// Persons, 1 to 1,000.
    pub limit: u16,
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
    pub next: Option<Uuid>,
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

impl std::fmt::Debug for DiscloseAll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DiscloseAll(redacted)")
    }
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
}

impl std::fmt::Debug for FullDisclosure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FullDisclosure(redacted)")
    }
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

impl std::fmt::Debug for DisclosedVoucher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DisclosedVoucher(redacted)")
    }
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
}
