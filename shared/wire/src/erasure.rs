//! How records end: what is said to a partition about erasure, holds, new keys and closing a room.

use domain::MunicipalityCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub const ERASURES: &str = "/v1/erasures";
pub const ERASURES_READ: &str = "/v1/erasures/read";
pub const ERASURES_APPROVE: &str = "/v1/erasures/approve";
pub const ERASURES_HOLDS: &str = "/v1/erasures/holds";
pub const ERASURES_HOLDS_LIFT: &str = "/v1/erasures/holds/lift";
pub const KEYS_ROTATE: &str = "/v1/keys/rotate";
pub const ROOM_CLOSE: &str = "/v1/room/close";

/// Persons, or single doses, of one proposal by a supervisor.
pub const ERASED_MAX: usize = 1_000;

/// A supervisor shows what should go; nothing goes yet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposeErasure {
    /// Chosen by the caller; a retry with the same id is the same proposal.
    pub erasure: Uuid,
    pub scope: ErasureScope,
    pub reason: ErasureReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum ErasureScope {
    /// Everything of these persons that is not kept by law.
    Persons { subjects: Vec<Uuid> },
    /// All versions of these doses.
    Doses { doses: Vec<DoseHandle> },
    /// Whatever has been kept for as long as it must.
    Expired { class: ExpiringClass },
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoseHandle {
    pub subject: Uuid,
    pub vaccination: Uuid,
}

/// A class of records that may go when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExpiringClass {
    Vaccination,
}

/// Why, in the words of the law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ErasureReason {
    /// The period of retention is over.
    RetentionOver,
    /// Registered although it should never have been.
    RegisteredUnlawfully,
    /// The person asked, and the municipality agreed.
    Requested,
    /// A court or an authority has ordered it.
    Ordered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ErasureState {
    Proposed,
    /// A job proposed, and one of two persons has agreed.
    Confirmed,
    Erased,
    /// The rows are no longer those that were shown.
    Void,
}

/// A proposal with exactly what it would erase, or has erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    pub erasure: Uuid,
    pub state: ErasureState,
    pub reason: ErasureReason,
    /// The persons or doses; empty lists of an expired class are not repeated.
    pub scope: String,
    pub persons: usize,
    pub doses: usize,
    pub tables: Vec<ErasedTable>,
    /// Over exactly the rows, in hexadecimal digits; to be repeated when approving.
    pub digest: String,
    pub proposed_by: String,
    pub first_person: Option<String>,
    pub second_person: Option<String>,
    pub proposed_at_unix_ms: i64,
    pub ended_at_unix_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasedTable {
    pub table: String,
    pub rows: usize,
    /// Over the sorted keys of the rows, in hexadecimal digits.
    pub digest: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadErasures {
    /// One proposal; without it, the newest ones.
    #[serde(default)]
    pub erasure: Option<Uuid>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasures {
    /// Newest first.
    pub erasures: Vec<Erasure>,
    /// What is held now.
    pub holds: Vec<ErasureHold>,
}

/// Another supervisor agrees with exactly what was shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApproveErasure {
    pub erasure: Uuid,
    pub digest: String,
}

/// Keeps a person's records, or a class of records, from being erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErasureHold {
    pub hold: Uuid,
    #[serde(default)]
    pub subject: Option<Uuid>,
    #[serde(default)]
    pub class: Option<ExpiringClass>,
    pub reason: HoldReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum HoldReason {
    Lawsuit,
    Investigation,
    DisclosureRequest,
    Audit,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiftErasureHold {
    pub hold: Uuid,
}

/// Asks for a new data key; asked again with the same id, tells how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateKeys {
    pub rotation: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RotationState {
    /// Cells are being sealed anew.
    Resealing,
    /// Nothing needs the older keys; they are about to be destroyed.
    Resealed,
    /// The older keys are destroyed.
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    pub rotation: Uuid,
    pub state: RotationState,
    /// Cells sealed anew so far.
    pub resealed: u64,
    pub begun_at_unix_ms: i64,
    pub done_at_unix_ms: Option<i64>,
}

/// Ends the municipality's use of the platform: asked for by two supervisors with the same id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseRoom {
    pub closing: Uuid,
    /// The caller's own room once more, so that nobody closes one by mistake.
    #[schema(value_type = String, pattern = "^[0-9]{6}$")]
    pub municipality: MunicipalityCode,
    /// That the records were exported and the export was read back; it is the last chance.
    pub export_taken: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomClosing {
    pub closing: Uuid,
    pub closed: bool,
    pub proposed_by: String,
    /// A note signed by the room before its keys were destroyed.
    pub slip: Option<String>,
}
