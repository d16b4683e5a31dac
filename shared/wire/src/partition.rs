//! What is said to a partition: by clerks about their own room, and by the broker for others.

use domain::vaccination::Vaccination;
use domain::{Completeness, Confirmation, InquiryHeader, InquiryId, MunicipalityCode, Outcome};
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Base64Bytes, WireNumber};

pub const SUBJECTS: &str = "/v1/subjects";
pub const VACCINATIONS: &str = "/v1/vaccinations";
pub const INQUIRIES: &str = "/v1/inquiries";
pub const INQUIRIES_FIND: &str = "/v1/inquiries/find";
pub const PROVISIONS_LIST: &str = "/v1/provisions/list";
pub const OPERATION_LOG_LIST: &str = "/v1/operation-log/list";
pub const PROVIDE: &str = "/v1/provide";
pub const DISCLOSURES: &str = "/v1/disclosures";
pub const RECONCILIATION_READ: &str = "/v1/reconciliation/read";
pub const INSPECTIONS: &str = "/v1/inspections";
pub const INSPECTIONS_REPORT: &str = "/v1/inspections/report";
pub const OPERATORS_RELEASE: &str = "/v1/operators/release";

/// A clerk registers a person in the room of the clerk's own municipality.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterSubject {
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub individual_number: WireNumber,
    pub address_number: String,
    pub name: String,
    pub name_kana: String,
    #[serde(with = "domain::vaccination::iso_date")]
    #[schema(value_type = String, format = Date)]
    pub birth_date: Date,
    #[schema(value_type = String)]
    pub sex: domain::subject::Sex,
}

impl std::fmt::Debug for RegisterSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegisterSubject(redacted)")
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubjectRegistered {
    /// The person's handle inside this room.
    pub subject: Uuid,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterVaccination {
    pub subject: Uuid,
    #[schema(value_type = Object)]
    pub vaccination: Vaccination,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaccinationRegistered {
    pub vaccination: Uuid,
    pub version: u32,
}

/// A clerk asks the municipality a person moved away from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskRequest {
    /// Chosen by the asker; sent again with the same id, it gives the same answer.
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub individual_number: WireNumber,
    /// The municipality the person moved away from; it and nobody else is asked.
    #[schema(value_type = String, example = "131211")]
    pub provider: MunicipalityCode,
    #[schema(example = "transfer-in")]
    pub procedure: String,
    #[schema(example = "number-act-19-16")]
    pub legal_basis: String,
    #[schema(value_type = String)]
    pub confirmation: Confirmation,
}

/// The answer to a clerk.  Every kind of "nothing" has these very bytes, apart from ids and times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskAnswer {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    pub outcome: AskOutcome,
    #[schema(value_type = Vec<Object>)]
    pub vaccinations: Vec<Vaccination>,
    /// What the provider says of how complete its records are; absent where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub completeness: Option<Completeness>,
    /// Index of the entry in the provision log.
    pub log_index: u64,
    pub answered_at_unix_ms: i64,
    /// When this answer is deleted from the room (C144).
    pub expires_at_unix_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AskOutcome {
    Provided,
    Nothing,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindInquiry {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
}

/// The broker asks a room on behalf of an inquirer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvideRequest {
    #[schema(value_type = Object)]
    pub header: InquiryHeader,
    #[schema(value_type = String, format = Byte)]
    pub sealed: Base64Bytes,
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64Bytes,
    /// 情報提供許可証, a JWT.
    pub permit: String,
}

/// A room's answer to the broker: sealed to the inquirer, with what the log must keep.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvideAnswer {
    #[schema(value_type = String, format = Byte)]
    pub sealed: Base64Bytes,
    /// Present exactly when something is provided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    pub commitment: Option<Base64Bytes>,
}

/// A page of a list, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListPage {
    /// First sequence number wanted.
    pub from: u64,
    /// At most 1,000.
    pub limit: u16,
}

/// A line of the operation log (C101, C112).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationEntry {
    pub at_unix_ms: i64,
    pub actor: String,
    pub terminal: String,
    pub act: String,
    /// Procedure and legal basis, where the act has them; the operator who is released.
    pub purpose: String,
    /// Handle of the person concerned, where there is one.
    pub subject: Option<Uuid>,
    /// The inquiry concerned, where there is one.
    pub inquiry: Option<Uuid>,
    pub result: String,
    pub request: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationLog {
    pub entries: Vec<IndexedOperation>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexedOperation {
    pub sequence: u64,
    pub entry: OperationEntry,
}

/// The room's own record of what it provided.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provisions {
    pub provisions: Vec<ProvisionRecord>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionRecord {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    #[schema(value_type = String)]
    pub inquirer: MunicipalityCode,
    pub subject: Uuid,
    pub vaccinations: usize,
    pub provided_at_unix_ms: i64,
}

/// Who received this person's records (情報提供等の記録の開示, C194).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Disclose {
    #[schema(value_type = String, pattern = "^[0-9]{12}$")]
    pub individual_number: WireNumber,
}

impl std::fmt::Debug for Disclose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disclose(redacted)")
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disclosure {
    pub subject: Uuid,
    /// Oldest first.
    pub received: Vec<Received>,
}

/// One provision, with what is needed to prove it off-line (docs/LOG_FORMAT.md §9).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    #[schema(value_type = String)]
    pub inquirer: MunicipalityCode,
    /// `provided`, or what came after the end: `corrected`, `released`.
    #[schema(value_type = String)]
    pub outcome: Outcome,
    pub provided_at_unix_ms: i64,
    /// The doses, or what became of one, in the exact bytes that were committed to, as text.
    pub content: String,
    #[schema(value_type = String, format = Byte)]
    pub salt: Base64Bytes,
    /// Absent if the log has no such entry: the answer was made ready, but never released.
    pub receipt: Option<crate::provision_log::Receipt>,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Received(redacted)")
    }
}

/// Asks how the room's records and the provision log agree; there is nothing to choose.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadReconciliation {}

/// How the room's records and the provision log agree.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// Entries of the log before this index have been compared.
    pub next_index: u64,
    pub reconciled_at_unix_ms: i64,
    /// Records that one side has and the other does not: the oldest, at most 1,000.
    pub one_sided: Vec<OneSided>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneSided {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    pub side: Side,
    pub log_index: Option<u64>,
    pub found_at_unix_ms: i64,
}

/// Which record is there alone, or says something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The log says that this room provided something; the room has no such record.
    LogWithoutProvision,
    /// This room made an answer ready that the log knows nothing of: it was not released.
    ProvisionWithoutLog,
    /// The log says that this room got an answer; the room has not kept one.
    LogWithoutAnswer,
    /// This room keeps an answer that the log knows nothing of.
    AnswerWithoutLog,
    /// The log says that this room told or was told something after an inquiry's end; the room has
    /// no such notice.  Here `inquiry` is the notice's id.
    LogWithoutNotice,
    /// Both have it and disagree.
    Differs,
}

/// Asks for a check of the operation log now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InspectOperations {}

/// One check of the operation log for misuse (C106, C107), signed by the room.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    #[schema(value_type = String)]
    pub municipality: MunicipalityCode,
    /// Lines `from..to` of the operation log were looked at, and the root after them.
    pub from_sequence: u64,
    pub to_sequence: u64,
    pub root: String,
    pub inspected_at_unix_ms: i64,
    pub findings: Vec<Finding>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule's name, such as `odd-hours`.
    pub rule: String,
    pub operator: String,
    /// What was seen and what the rule allows, in Japanese, without a name or a number of a person.
    pub explanation: String,
    /// Lines of the operation log.
    pub sequences: Vec<u64>,
    /// Whether the operator's inquiries are held until a supervisor releases them.
    pub held: bool,
}

/// An inspection as it was signed: the signature is over these bytes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedInspection {
    /// The JSON of an [`Inspection`].
    pub inspection: String,
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64Bytes,
}

/// A month's inspections, for a supervisor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadReport {
    /// The month in Japan, as yyyymm.
    pub month: i32,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectionReport {
    pub month: i32,
    pub inspections: Vec<SignedInspection>,
    /// Per operator: how often each act was done.
    pub operators: Vec<OperatorSummary>,
    /// Operators whose inquiries are held now.
    pub held: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorSummary {
    pub operator: String,
    pub inquiries: u64,
    pub refused: u64,
    pub findings: u64,
}

/// Lets an operator ask again whom an inspection had stopped.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseOperator {
    pub operator: String,
}
