//! FHIR R4 as this project speaks it: a search for `Immunization` by POST, in the shape of JP Core.
//!
//! Only what is sent is modelled; an identifier of a person is in a body, never in an address.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Problem;

pub const IMMUNIZATION_SEARCH: &str = "/fhir/Immunization/_search";

pub const FHIR_JSON: &str = "application/fhir+json";
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Doses of one answer.
pub const COUNT_MAX: usize = 1_000;

/// The naming system of a municipality's address numbers (宛名番号) ends with its code.
pub const ADDRESS_NUMBER_SYSTEM: &str = "urn:watari:address-number:";
pub const VACCINATION_SYSTEM: &str = "urn:watari:vaccination";
pub const PROFILE: &str = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Immunization";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum BundleType {
    Bundle,
}

/// The answer to a search.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    pub resource_type: BundleType,
    /// `searchset`.
    pub r#type: String,
    /// How many there are, also beyond `_count`.
    pub total: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entry: Vec<BundleEntry>,
}

impl Bundle {
    pub fn searchset(total: usize, found: Vec<Immunization>) -> Self {
        let entry = |resource: Immunization| BundleEntry {
            full_url: format!("urn:uuid:{}", resource.id),
            resource,
            search: SearchMode { mode: "match".to_owned() },
        };
        let entry = found.into_iter().map(entry).collect();
        Self { resource_type: BundleType::Bundle, r#type: "searchset".to_owned(), total, entry }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BundleEntry {
    pub full_url: String,
    pub resource: Immunization,
    pub search: SearchMode,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchMode {
    pub mode: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ImmunizationType {
    Immunization,
}

/// One dose, in the shape of JP Core.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Immunization {
    pub resource_type: ImmunizationType,
    pub id: String,
    pub meta: Meta,
    pub identifier: Vec<Identifier>,
    /// `completed`, `not-done`, or `entered-in-error` for a dose that was withdrawn.
    pub status: String,
    pub vaccine_code: CodeableConcept,
    pub patient: Reference,
    pub occurrence_date_time: String,
    pub recorded: String,
    /// False for what another municipality recorded.
    pub primary_source: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Reference>,
    pub manufacturer: Reference,
    pub lot_number: String,
    pub protocol_applied: Vec<ProtocolApplied>,
}

impl std::fmt::Debug for Immunization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Immunization(redacted)")
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub version_id: String,
    pub last_updated: String,
    pub profile: Vec<String>,
    /// Restricted, for a protected person (自動応答不可).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<Coding>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Identifier {
    pub system: String,
    pub value: String,
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identifier({}, redacted)", self.system)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CodeableConcept {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Coding {
    pub system: String,
    pub code: String,
}

impl Coding {
    /// The mark of what only few may see.
    pub fn restricted() -> Self {
        Self { system: CONFIDENTIALITY.to_owned(), code: "R".to_owned() }
    }
}

#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

impl Reference {
    pub fn display(text: &str) -> Self {
        Self { display: Some(text.to_owned()), ..Self::default() }
    }
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reference(redacted)")
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProtocolApplied {
    pub dose_number_positive_int: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OutcomeType {
    OperationOutcome,
}

/// A refusal, for those who speak FHIR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationOutcome {
    pub resource_type: OutcomeType,
    pub issue: Vec<Issue>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issue {
    /// `error`.
    pub severity: String,
    /// FHIR's own word for the kind.
    pub code: String,
    pub details: IssueDetails,
    /// The next step and the request id.
    pub diagnostics: String,
    /// The parameter that is at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expression: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssueDetails {
    /// Our own code of the problem.
    pub coding: Vec<Coding>,
    pub text: String,
}

impl From<Problem> for OperationOutcome {
    fn from(problem: Problem) -> Self {
        let code = match problem.status {
            401 => "login",
            403 => "forbidden",
            404 => "not-found",
            409 => "conflict",
            408 => "timeout",
            413 => "too-long",
            429 => "throttled",
            400 | 422 => "invalid",
            503 => "transient",
            _ => "exception",
        };
        let coding = Coding { system: "urn:watari:problem".to_owned(), code: problem.code };
        let issue = Issue {
            severity: "error".to_owned(),
            code: code.to_owned(),
            details: IssueDetails { coding: vec![coding], text: problem.title },
            diagnostics: format!("{} (request {})", problem.next_step, problem.request_id),
            expression: problem.field.into_iter().collect(),
        };
        Self { resource_type: OutcomeType::OperationOutcome, issue: vec![issue] }
    }
}
