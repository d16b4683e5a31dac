use domain::MunicipalityCode;
use domain::vaccination::Provenance;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Who made a version, when, from which file or message, and why.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordSource {
    pub kind: SourceKind,
    pub at_unix_s: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The device at the venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The municipality whose answer or notice was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub provider: Option<MunicipalityCode>,
    /// Import, capture, doubtful row, inquiry or notice, by the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Uuid>,
    /// Line of the imported file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SourceKind {
    Registered,
    Sent,
    Imported,
    Captured,
    Corrected,
    Decided,
    Adopted,
    Noticed,
}

impl std::fmt::Debug for RecordSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordSource({:?}, the rest redacted)", self.kind)
    }
}

impl From<&Provenance> for RecordSource {
    fn from(provenance: &Provenance) -> Self {
        let plain = |kind, at_unix_s: &i64| Self {
            kind,
            at_unix_s: *at_unix_s,
            operator: None,
            system: None,
            device: None,
            provider: None,
            from: None,
            line: None,
            reason: None,
        };
        match provenance {
            Provenance::Registered { operator, at_unix_s } => {
                let operator = Some(operator.to_string());
                Self { operator, ..plain(SourceKind::Registered, at_unix_s) }
            }
            Provenance::Sent { system, at_unix_s } => {
                Self { system: Some(system.to_string()), ..plain(SourceKind::Sent, at_unix_s) }
            }
            Provenance::Imported { import, line, at_unix_s } => {
                let (from, line) = (Some(*import), Some(*line));
                Self { from, line, ..plain(SourceKind::Imported, at_unix_s) }
            }
            Provenance::Captured { capture, device, at_unix_s } => {
                let (from, device) = (Some(*capture), Some(device.to_string()));
                Self { from, device, ..plain(SourceKind::Captured, at_unix_s) }
            }
            Provenance::Corrected { operator, reason, at_unix_s } => {
                let (operator, reason) = (Some(operator.to_string()), Some(reason.clone()));
                Self { operator, reason, ..plain(SourceKind::Corrected, at_unix_s) }
            }
            Provenance::SystemCorrected { system, reason, at_unix_s } => {
                let (system, reason) = (Some(system.to_string()), Some(reason.clone()));
                Self { system, reason, ..plain(SourceKind::Corrected, at_unix_s) }
            }
            Provenance::Decided { operator, quarantined, at_unix_s } => {
                let (operator, from) = (Some(operator.to_string()), Some(*quarantined));
                Self { operator, from, ..plain(SourceKind::Decided, at_unix_s) }
            }
            Provenance::Adopted { provider, inquiry, at_unix_s } => {
                let (provider, from) = (Some(*provider), Some(inquiry.0));
                Self { provider, from, ..plain(SourceKind::Adopted, at_unix_s) }
            }
            Provenance::Noticed { provider, notice, at_unix_s } => {
                let (provider, from) = (Some(*provider), Some(*notice));
                Self { provider, from, ..plain(SourceKind::Noticed, at_unix_s) }
            }
        }
    }
}
