//! What is said to a partition about records that are there already: reading, correcting, flagging,
//! adopting, and how complete they are.

use domain::subject::{Flags, Sex};
use domain::vaccination::{Standing, Vaccination, iso_date};
use domain::{Completeness, InquiryId};
use serde::{Deserialize, Deserializer, Serialize};
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::WireNumber;
pub use crate::record_source::{RecordSource, SourceKind};

pub const RECORDS_FIND: &str = "/v1/records/find";
pub const RECORDS_HISTORY: &str = "/v1/records/history";
pub const VACCINATIONS_CORRECT: &str = "/v1/vaccinations/correct";
pub const VACCINATIONS_WITHDRAW: &str = "/v1/vaccinations/withdraw";
pub const SUBJECTS_FLAG: &str = "/v1/subjects/flag";
pub const ADOPTIONS: &str = "/v1/adoptions";
pub const COMPLETENESS: &str = "/v1/completeness";
pub const COMPLETENESS_READ: &str = "/v1/completeness/read";

/// Finds a person of the own room by exactly one of these.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindRecords {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{12}$")]
    pub individual_number: Option<WireNumber>,
}

impl std::fmt::Debug for FindRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FindRecords(redacted)")
    }
}

/// A person's entry and doses, as they count now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonRecords {
    pub subject: SubjectVersion,
    pub doses: Vec<DoseVersion>,
}

/// A version of a person's entry.  There is no place for the individual number in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubjectVersion {
    pub subject: Uuid,
    pub version: u32,
    /// For `If-Match`.
    pub etag: String,
    pub address_number: String,
    pub name: String,
    pub name_kana: String,
    #[serde(with = "iso_date")]
    #[schema(value_type = String, format = Date)]
    pub birth_date: Date,
    #[schema(value_type = String)]
    pub sex: Sex,
    #[schema(value_type = Object)]
    pub flags: Flags,
    /// Unknown for the oldest entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<RecordSource>,
}

impl std::fmt::Debug for SubjectVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectVersion({}, {})", self.subject, self.version)
    }
}

/// A version of a dose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoseVersion {
    pub vaccination: Uuid,
    pub version: u32,
    /// For `If-Match`.
    pub etag: String,
    #[schema(value_type = String)]
    pub standing: Standing,
    #[schema(value_type = Object)]
    pub dose: Vaccination,
    pub source: RecordSource,
}

/// Asks for every version of a person's entry and doses, or of one dose.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadHistory {
    pub subject: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vaccination: Option<Uuid>,
}

/// Oldest versions first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    pub subject: Vec<SubjectVersion>,
    pub doses: Vec<DoseVersion>,
}

/// New values of a dose; the header `If-Match` names the version they are to follow.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CorrectVaccination {
    pub subject: Uuid,
    pub vaccination: Uuid,
    #[schema(value_type = Object)]
    pub dose: Vaccination,
    pub reason: String,
}

impl std::fmt::Debug for CorrectVaccination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CorrectVaccination(redacted)")
    }
}

/// Takes a dose back; the header `If-Match` names the version that is meant.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WithdrawVaccination {
    pub subject: Uuid,
    pub vaccination: Uuid,
    pub reason: String,
}

impl std::fmt::Debug for WithdrawVaccination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WithdrawVaccination(redacted)")
    }
}

/// The version that counts now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaccinationChanged {
    /// Another one than before where kind or number of the dose changed.
    pub vaccination: Uuid,
    pub version: u32,
    pub etag: String,
    /// How many notices go to municipalities that had received the dose.
    pub notices: usize,
}

/// What is set on a person from now on; what is left out stays, `null` lifts a day.  The header
/// `If-Match` names the version that is to follow.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FlagSubject {
    pub subject: Uuid,
    #[serde(default, deserialize_with = "present_day", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub moved_out_on: Option<Day>,
    #[serde(default, deserialize_with = "present_day", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub died_on: Option<Day>,
    /// 利用停止; a supervisor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<bool>,
    /// 自動応答不可; a supervisor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<bool>,
    pub reason: String,
}

impl FlagSubject {
    /// Leaves everything as it is; say what is to change.
    pub fn new(subject: Uuid, reason: &str) -> Self {
        let (moved_out_on, died_on, stopped, withheld) = (None, None, None, None);
        Self { subject, moved_out_on, died_on, stopped, withheld, reason: reason.to_owned() }
    }
}

impl std::fmt::Debug for FlagSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FlagSubject(redacted)")
    }
}

/// The person's entry as it counts now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubjectFlagged {
    pub subject: Uuid,
    pub version: u32,
    pub etag: String,
    #[schema(value_type = Object)]
    pub flags: Flags,
}

/// A day, or the word that there is none.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(#[serde(with = "iso_date::option")] pub Option<Date>);

impl std::fmt::Debug for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Day(redacted)")
    }
}

/// `null` is a word too, unlike a member that is left out.
fn present_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Day>, D::Error> {
    Day::deserialize(deserializer).map(Some)
}

/// Takes doses of an answer that is still kept into the own register.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdoptDoses {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    pub doses: ChosenDoses,
}

/// The word `all`, or places in the answer, the first is 0.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ChosenDoses {
    All(AllDoses),
    These(Vec<usize>),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AllDoses {
    All,
}

/// What became of the chosen doses.  The same call again adopts nothing more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adoption {
    pub subject: Uuid,
    pub adopted: Vec<DoseVersion>,
    /// The register has them as they were received.
    pub already_there: Vec<DoseVersion>,
    pub conflicts: Vec<AdoptionConflict>,
    /// What the provider's statement leaves open, in the words for the staff.
    pub missing: Missing,
}

/// A dose that was not adopted: people decide, nothing is overwritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionConflict {
    /// Place in the answer, the first is 0.
    pub index: usize,
    pub why: ConflictKind,
    #[schema(value_type = Object)]
    pub received: Vaccination,
    /// The register's own version, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<DoseVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConflictKind {
    /// The register has another dose of this kind and number.
    OtherContent,
    /// The register had this dose and took it back.
    Withdrawn,
    /// The received dose is none: it lies in the future, or its texts are too long.
    Implausible,
}

/// Which doses may be missing in what was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// Absent where the provider states nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub stated: Option<Completeness>,
    /// Doses before this day may be missing.
    #[serde(default, with = "iso_date::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub missing_before: Option<Date>,
    /// Doses after this day may be missing.
    #[serde(default, with = "iso_date::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub missing_after: Option<Date>,
    pub note: String,
}

/// A supervisor says from when until when the own records are complete; `null` takes it back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StateCompleteness {
    /// Never left out: taking a statement back is a word too.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    pub period: Option<Period>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Period {
    #[serde(with = "iso_date")]
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    #[serde(with = "iso_date")]
    #[schema(value_type = String, format = Date)]
    pub up_to: Date,
}

/// Asks for what was stated; there is nothing to choose.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadCompleteness {}

/// Every statement, the newest first; at most 1,000.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statements {
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    pub version: u32,
    pub period: Option<Period>,
    pub operator: String,
    pub stated_at_unix_ms: i64,
}
