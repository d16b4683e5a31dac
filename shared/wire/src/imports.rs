//! Files into a room's register: sent in parts, checked, looked at, approved by a second person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Base64Bytes;

pub const IMPORTS: &str = "/v1/imports";
pub const IMPORTS_PARTS: &str = "/v1/imports/parts";
pub const IMPORTS_CHECK: &str = "/v1/imports/check";
pub const IMPORTS_READ: &str = "/v1/imports/read";
pub const IMPORTS_LIST: &str = "/v1/imports/list";
pub const IMPORTS_PROBLEMS: &str = "/v1/imports/problems";
pub const IMPORTS_APPROVE: &str = "/v1/imports/approve";
pub const IMPORTS_DISCARD: &str = "/v1/imports/discard";

/// Every part but the last has exactly so many bytes.
pub const PART_BYTES: usize = 256 * 1024;
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
pub const FILE_ROWS_MAX: u64 = 200_000;
/// A room keeps so many files that are neither in the register nor thrown away.
pub const OPEN_IMPORTS_MAX: u64 = 20;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// Its rows go into the register.
    Register,
    /// It is only compared with the register.
    Compare,
}

/// Announces a file; the same again gives the state it has come to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenImport {
    /// Chosen by the sender.
    pub import: Uuid,
    pub purpose: Purpose,
    /// At most 64 MiB.
    pub total_bytes: u64,
    /// SHA-256 of the whole file, in lower-case hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// The layout the sender expects, such as `doses-1`; a file of another layout is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
}

/// One part of the file; the same part again changes nothing.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendPart {
    pub import: Uuid,
    /// From 0; every part but the last has 262,144 bytes.
    pub part: u32,
    #[schema(value_type = String, format = Byte)]
    pub bytes: Base64Bytes,
}

impl std::fmt::Debug for SendPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SendPart(redacted)")
    }
}

/// Names an import: to have it checked, to read it, to throw it away.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameImport {
    pub import: Uuid,
}

/// Asks for the room's imports, newest first; there is nothing to choose.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListImports {}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Imports {
    /// At most 100.
    pub imports: Vec<ImportState>,
}

/// A second person lets exactly what the preview stands for into the register.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApproveImport {
    pub import: Uuid,
    /// The preview's digest, as it was read.
    pub preview: String,
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    Uploading,
    Uploaded,
    Checking,
    /// Waits for a second person, or for a reader if it is only compared.
    Checked,
    /// Nothing of it can be used; `problem` says why.
    Refused,
    Committed,
    Discarded,
    /// Nobody decided in time.
    Expired,
}

/// A file, and what checking it has found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportState {
    pub import: Uuid,
    pub purpose: Purpose,
    pub stage: Stage,
    /// As the header says; known once the file is checked.
    pub layout: Option<String>,
    pub total_bytes: u64,
    pub sha256: String,
    /// The first part that is not here yet.
    pub next_part: Option<u32>,
    /// Bytes of the file the check has read so far.
    pub checked_bytes: u64,
    pub counts: Counts,
    /// How often each reason was met, by its code.
    pub reasons: BTreeMap<String, u64>,
    /// The first rows that would change something registered; at most 100.
    pub differences: Vec<Difference>,
    /// Stands for exactly what would be written; present if it may be approved.
    pub preview: Option<String>,
    /// Why nothing of the file can be used.
    pub problem: Option<FileProblem>,
    pub uploaded_by: String,
    pub uploaded_at_unix_ms: i64,
    pub checked_by: Option<String>,
    pub checked_at_unix_ms: Option<i64>,
    /// Who approved it or threw it away.
    pub decided_by: Option<String>,
    pub decided_at_unix_ms: Option<i64>,
    /// When the file and all that was made of it were deleted from the room.
    pub erased_at_unix_ms: Option<i64>,
}

/// Rows by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Lines after the header that are not empty; what follows counts persons, vouchers or doses.
    pub rows: u64,
    pub new: u64,
    pub unchanged: u64,
    pub changed: u64,
    /// Go to the quarantine desk.
    pub doubtful: u64,
    /// Come back to the sender.
    pub rejected: u64,
    /// In the register, not in the file; counted only where a file is compared.
    pub missing_in_file: u64,
}

/// A row that differs from what is registered: where, not what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    pub line: u64,
    pub columns: Vec<String>,
}

/// Why nothing of a file can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileProblem {
    pub code: String,
    /// The line where it was met first, from 1.
    pub line: Option<u64>,
    pub title: String,
    pub next_step: String,
}

/// Asks for what was found in a file, row by row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadProblems {
    pub import: Uuid,
    /// First finding wanted, from 0.
    pub from: u64,
    /// At most 1,000.
    pub limit: u16,
}

/// A page of the table of findings.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problems {
    /// Findings as CSV: line, column, reason code, reason, next step, and for a record that the file
    /// lacks its handle.  The first page begins with a byte order mark and the header.
    pub csv: String,
    /// Where the next page begins; absent after the last.
    pub next: Option<u64>,
    /// Findings beyond the first 100,000 are counted, but not listed.
    pub is_complete: bool,
}
