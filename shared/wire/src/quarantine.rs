//! The desk of doubtful rows: what waits there, and what a person decides.

use domain::MunicipalityCode;
use domain::subject::Sex;
use domain::vaccination::{Vaccination, iso_date};
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

pub const QUARANTINE_LIST: &str = "/v1/quarantine/list";
pub const QUARANTINE_DECIDE: &str = "/v1/quarantine/decide";

/// One answer lists at most so many rows.
pub const QUARANTINE_ROWS_MAX: u16 = 200;

/// Lists rows that wait, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListQuarantine {
    /// Only rows whose first doubt has this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "voucher-never-issued")]
    pub kind: Option<String>,
    /// The last row of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Uuid>,
    /// 1 to 200.
    pub limit: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineRows {
    pub rows: Vec<QuarantinedRow>,
    /// How many rows wait in all.
    pub open: u64,
}

/// A doubtful row: what was given, what is doubtful about it, what was probably meant.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedRow {
    pub id: Uuid,
    /// To be sent back with the decision, which is about exactly what was read.
    pub version: u32,
    pub origin: QuarantineOrigin,
    /// Id of the file or of the capture.
    pub from: Uuid,
    /// Of the file, from 1; 0 for a capture.
    pub line: u64,
    /// Handle of the person the row names, if it names one.
    pub subject: Option<Uuid>,
    pub given: Given,
    pub doubts: Vec<QuarantineDoubt>,
    pub created_at_unix_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum QuarantineOrigin {
    Import,
    Capture,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Given {
    Dose {
        #[schema(value_type = Object)]
        dose: Vaccination,
        voucher: Option<GivenVoucher>,
    },
    Person(GivenPerson),
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenVoucher {
    #[schema(value_type = String)]
    pub municipality: MunicipalityCode,
    #[schema(pattern = "^[0-9]{10}$")]
    pub number: String,
}

/// There is no place for the individual number in it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenPerson {
    pub address_number: String,
    pub name: String,
    pub name_kana: String,
    #[serde(with = "iso_date")]
    #[schema(value_type = String, format = Date)]
    pub birth_date: Date,
    #[schema(value_type = String)]
    pub sex: Sex,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineDoubt {
    /// One of the codes of docs/QUALITY.md.
    pub code: String,
    pub text: String,
    pub next_step: String,
    pub likely: Option<LikelyAnswer>,
}

/// What was probably meant.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LikelyAnswer {
    Dose {
        #[schema(value_type = Object)]
        dose: Vaccination,
    },
    Voucher {
        number: String,
        subject: Uuid,
    },
    Person {
        subject: Uuid,
    },
}

/// Decides on one row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideQuarantine {
    pub id: Uuid,
    /// As it was read.
    pub version: u32,
    pub decision: QuarantineDecision,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum QuarantineDecision {
    TakeAsIs,
    TakeLikely,
    #[serde(rename_all = "camelCase")]
    TakeCorrected {
        #[schema(value_type = Object)]
        dose: Vaccination,
        /// Whose dose it is, where the row does not say so or names the wrong person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Uuid>,
    },
    /// The reason holds no individual number.
    Drop {
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineDecided {
    pub id: Uuid,
    pub version: u32,
    /// The person in whose entry something was written.
    pub subject: Option<Uuid>,
    pub vaccination: Option<Uuid>,
    /// 1 for a new dose; a higher number follows what was registered before.
    pub vaccination_version: Option<u32>,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given(redacted)")
    }
}

impl std::fmt::Debug for GivenVoucher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GivenVoucher(redacted)")
    }
}

impl std::fmt::Debug for GivenPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GivenPerson(redacted)")
    }
}

impl std::fmt::Debug for LikelyAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LikelyAnswer(redacted)")
    }
}

impl std::fmt::Debug for QuarantineDecision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QuarantineDecision(redacted)")
    }
}
