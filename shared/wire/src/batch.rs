//! What clerks say to their own room about many inquiries in one file (一括照会).

use domain::vaccination::Vaccination;
use domain::{Confirmation, MunicipalityCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Base64Bytes;

pub const BATCHES: &str = "/v1/batches";
pub const BATCHES_PARTS: &str = "/v1/batches/parts";
pub const BATCHES_START: &str = "/v1/batches/start";
pub const BATCHES_CANCEL: &str = "/v1/batches/cancel";
pub const BATCHES_STATUS: &str = "/v1/batches/status";
pub const BATCHES_RESULTS: &str = "/v1/batches/results";
pub const BATCHES_FILE: &str = "/v1/batches/file";

/// Largest part of a file.
pub const PART_BYTES_MAX: usize = 256 * 1024;
/// Largest file: a hundred thousand rows with room to spare.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
pub const ROWS_MAX: u64 = 100_000;
/// Rows of one page of results.
pub const PAGE_ROWS_MAX: u16 = 1_000;

/// Announces a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateBatch {
    /// Chosen by the submitter; announced again with the same id, it is the same batch.
    pub batch: Uuid,
    #[schema(example = "transfer-in")]
    pub procedure: String,
    #[schema(example = "number-act-19-16")]
    pub legal_basis: String,
    #[schema(value_type = String)]
    pub confirmation: Confirmation,
    pub total_bytes: u64,
    /// SHA-256 of the whole file.
    #[schema(value_type = String, format = Byte)]
    pub sha256: Base64Bytes,
}

/// A piece of the file; a part sent again replaces nothing.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchPart {
    pub batch: Uuid,
    /// From 0.
    pub part: u32,
    /// At most 256 KiB.
    #[schema(value_type = String, format = Byte)]
    pub bytes: Base64Bytes,
}

impl std::fmt::Debug for BatchPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BatchPart({}, redacted)", self.part)
    }
}

/// Has the file checked and asked for; once more, it goes on where it had stopped.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartBatch {
    pub batch: Uuid,
    /// Leaves out the rows that can't be used.  Without it, a file with such rows is not asked for.
    #[serde(default)]
    pub skip_bad_rows: bool,
}

/// Names a batch of the own municipality.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameBatch {
    pub batch: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum BatchState {
    /// Parts may be sent.
    Uploading,
    /// Some rows can't be used: start once more without them, or cancel.
    Checked,
    Running,
    /// Nothing can be asked until people have seen to the reason; start goes on where it stopped.
    Stopped,
    Done,
    Cancelled,
    /// Results are erased.
    Expired,
}

/// How a batch stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchStatus {
    pub batch: Uuid,
    pub state: BatchState,
    /// Why it has stopped, as the code of a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_because: Option<String>,
    pub counts: BatchCounts,
    /// One for each municipality that is asked.
    pub sources: Vec<SourceStatus>,
    /// By the rate so far, for the rows of sources that answer; absent if nobody can tell.
    pub left_s: Option<u64>,
    pub created_at_unix_ms: i64,
    pub started_at_unix_ms: Option<i64>,
    pub finished_at_unix_ms: Option<i64>,
    /// When the results, or what was uploaded and never asked for, are erased.
    pub expires_at_unix_ms: i64,
}

/// Rows by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchCounts {
    pub rows: u64,
    pub bad_rows: u64,
    pub provided: u64,
    pub nothing: u64,
    pub not_in_register: u64,
    pub refused: u64,
    /// Not yet answered.
    pub pending: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    #[schema(value_type = String)]
    pub municipality: MunicipalityCode,
    pub state: SourceState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_since_unix_ms: Option<i64>,
    pub done: u64,
    pub rows: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SourceState {
    Waiting,
    Asking,
    /// Does not answer at present; asked again by itself.
    Unavailable,
    Done,
}

/// A page of results, in the order of the file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadResults {
    pub batch: Uuid,
    /// First row wanted, from 1.
    pub from_row: u32,
    /// At most 1,000.
    pub limit: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchResults {
    pub rows: Vec<RowResult>,
    /// Where the next page begins; absent after the last row.
    pub next_row: Option<u32>,
}

/// One row of the file and how its inquiry ended.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowResult {
    /// 1 is the first row after the header; empty lines are not counted.
    pub row: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub provider: Option<MunicipalityCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry: Option<Uuid>,
    pub outcome: RowOutcome,
    /// Why it was refused or can't be used, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The column at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    #[schema(value_type = Vec<Object>)]
    pub vaccinations: Vec<Vaccination>,
}

impl std::fmt::Debug for RowResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowResult({}, {:?}, redacted)", self.row, self.outcome)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RowOutcome {
    Provided,
    Nothing,
    NotInRegister,
    Refused,
    BadRow,
    Pending,
    /// The source does not answer at present; asked again by itself.
    Unavailable,
    /// The batch was cancelled before this row was asked.
    Cancelled,
}

impl RowOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provided => "provided",
            Self::Nothing => "nothing",
            Self::NotInRegister => "notInRegister",
            Self::Refused => "refused",
            Self::BadRow => "badRow",
            Self::Pending => "pending",
            Self::Unavailable => "unavailable",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A page of the result as CSV; the first page begins with the header.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchFile {
    pub text: String,
    pub next_row: Option<u32>,
}

impl std::fmt::Debug for BatchFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BatchFile(redacted)")
    }
}
