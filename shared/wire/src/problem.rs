use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error as the caller sees it (RFC 9457), with who must act and what the next step is.
///
/// Every text is chosen from fixed sentences; nothing the caller sent is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `urn:watari:problem:<code>`.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// A stable word a program can match on.
    pub code: String,
    pub owner: Owner,
    /// What to do now, in words for a person.
    pub next_step: String,
    /// The field that is wrong, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When the same request may be sent again, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// The id under which every party can look this request up.
    pub request_id: String,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Owner {
    /// The one who asked: correct the request.
    Asker,
    /// The source municipality: it is not available or must act.
    Source,
    /// The platform: a fault of ours.
    Platform,
}
