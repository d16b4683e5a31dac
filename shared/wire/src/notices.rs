//! What is said after an inquiry has ended: notices from room to room through the broker, and what
//! staff read, adopt and release.

use domain::vaccination::Vaccination;
use domain::{InquiryId, MunicipalityCode, NoticeHeader, NoticeId, NoticeKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Base64Bytes;
use crate::provision_log::{Entry, Receipt};

pub const NOTICES: &str = "/v1/notices";
pub const NOTICES_RECEIVE: &str = "/v1/notices/receive";
pub const NOTICES_SENT: &str = "/v1/notices/sent";
pub const NOTICES_LIST: &str = "/v1/notices/list";
pub const NOTICES_ADOPT: &str = "/v1/notices/adopt";
pub const HELD_LIST: &str = "/v1/held/list";
pub const HELD_SHOW: &str = "/v1/held/show";
pub const HELD_RELEASE: &str = "/v1/held/release";
pub const HELD_REFUSE: &str = "/v1/held/refuse";

/// Notices or held inquiries in one page.
pub const NOTICES_LIMIT_MAX: u16 = 100;

/// A notice as the broker sees it: who tells whom by which inquiry, and bytes it cannot open.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrokerNotice {
    #[schema(value_type = Object)]
    pub header: NoticeHeader,
    /// The salted commitment that goes into the provision log.
    #[schema(value_type = String, format = Byte)]
    pub commitment: Base64Bytes,
    /// Sealed to the recipient's key and bound to the header.
    #[schema(value_type = String, format = Byte)]
    pub sealed: Base64Bytes,
    /// The sender's signature over header, commitment and sealed bytes.
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64Bytes,
}

impl BrokerNotice {
    /// What the sender's signature covers; the commitment has 32 bytes, so nothing can be moved
    /// between the parts.
    pub fn signed_bytes(header: &NoticeHeader, commitment: &[u8], sealed: &[u8]) -> Vec<u8> {
        [&header.to_signed_bytes(), commitment, sealed].concat()
    }
}

/// The log's entry of a notice; of a retry the log keeps the first time of decision.
pub fn entry_of(header: &NoticeHeader, commitment: Base64Bytes, decided_at_unix_ms: i64) -> Entry {
    let header = header.clone();
    Entry {
        inquiry: header.inquiry,
        permit: header.notice.to_string(),
        inquirer: header.inquirer,
        provider: header.provider,
        operator: header.operator,
        terminal: header.terminal,
        procedure: header.procedure,
        legal_basis: header.legal_basis,
        items: header.items,
        outcome: header.kind.outcome(),
        reason: None,
        commitment: Some(commitment),
        asked_at_unix_s: header.asked_at_unix_s,
        decided_at_unix_ms,
    }
}

/// The broker's answer: the notice is on record; how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoticeRouted {
    pub receipt: Receipt,
    pub arrival: Arrival,
}

/// How far a notice has come that is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Arrival {
    Delivered,
    /// The recipient does not answer; the notice is sent again.
    Away,
    /// The recipient has left the platform for good.
    Gone,
}

/// A notice with the proof that it is in the provision log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveNotice {
    pub notice: BrokerNotice,
    pub receipt: Receipt,
}

/// The recipient has it, durably.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoticeReceived {
    #[schema(value_type = String, format = Uuid)]
    pub notice: NoticeId,
}

/// A page of the notices that the room got or sent, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListNotices {
    /// Only those that nobody has decided on; of those that were sent, which have not arrived.
    #[serde(default)]
    pub only_open: bool,
    /// How many to leave out.
    pub from: u64,
    /// At most 100.
    pub limit: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notices {
    pub notices: Vec<Notice>,
}

/// How far a notice has come in the room that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NoticeState {
    /// Nobody has decided yet.
    Open,
    /// The register says now what the notice says.
    Adopted,
    /// The dose was never in the register.
    Seen,
    /// The register keeps its own version.
    Kept,
    /// A later notice tells of the same dose.
    Superseded,
    /// The same change came by another way.
    Again,
}

/// What adopting a notice would do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NoticeEffect {
    /// The register gets new versions, and nothing else is touched.
    Fits,
    /// The register already says the same.
    Same,
    /// The register does not have the dose.
    NotHere,
    /// The register says something else meanwhile; it is not overwritten.
    Conflict,
}

/// A notice as staff read it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    #[schema(value_type = String, format = Uuid)]
    pub notice: NoticeId,
    #[schema(value_type = String)]
    pub kind: NoticeKind,
    /// Who tells.
    #[schema(value_type = String)]
    pub provider: MunicipalityCode,
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    pub subject: Uuid,
    pub received_at_unix_ms: i64,
    pub log_index: u64,
    pub state: NoticeState,
    /// `corrected`: the dose as it was received, oldest first.
    #[schema(value_type = Vec<Object>)]
    pub earlier: Vec<Vaccination>,
    /// `corrected`: the dose as it is now, none if it was withdrawn; `released`: the doses.
    #[schema(value_type = Vec<Object>)]
    pub now: Vec<Vaccination>,
    /// Where the own register says something else: its doses.
    #[schema(value_type = Vec<Object>)]
    pub own: Vec<Vaccination>,
    pub effect: NoticeEffect,
    /// The state of the person's doses; whoever adopts says it, so that nobody adopts blindly.
    pub etag: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentNotices {
    pub notices: Vec<SentNotice>,
}

/// How far a notice has come on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SentState {
    Queued,
    /// On record; the recipient has not said that it has it.
    Logged,
    Delivered,
    /// The recipient had received nothing after all, or the person is erased.
    Void,
    /// The recipient has left the platform; it is not told.
    Gone,
}

/// A notice of this room as staff read it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentNotice {
    #[schema(value_type = String, format = Uuid)]
    pub notice: NoticeId,
    #[schema(value_type = String)]
    pub kind: NoticeKind,
    #[schema(value_type = String)]
    pub recipient: MunicipalityCode,
    pub subject: Uuid,
    pub queued_at_unix_ms: i64,
    pub state: SentState,
    /// In vain, so far.
    pub tries: u32,
}

/// Adopts a notice in one step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdoptNotice {
    #[schema(value_type = String, format = Uuid)]
    pub notice: NoticeId,
    pub etag: String,
    /// Closes the notice and keeps what the register says.
    #[serde(default)]
    pub keep_own: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoticeAdopted {
    pub state: NoticeState,
    /// The new versions.
    pub vaccinations: Vec<AdoptedVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdoptedVersion {
    pub vaccination: Uuid,
    pub version: u32,
}

/// A page of the inquiries about withheld persons, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListHeld {
    /// Also those that were decided on.
    #[serde(default)]
    pub with_decided: bool,
    pub from: u64,
    /// At most 100.
    pub limit: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldInquiries {
    pub held: Vec<HeldInquiry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum HeldState {
    Pending,
    Released,
    Refused,
    /// Nobody decided in time: not released.
    TimedOut,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldInquiry {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    #[schema(value_type = String)]
    pub inquirer: MunicipalityCode,
    pub procedure: String,
    pub legal_basis: String,
    pub subject: Uuid,
    pub held_at_unix_ms: i64,
    /// After this moment it is not released any more.
    pub expires_at_unix_ms: i64,
    pub state: HeldState,
    /// Who wants to release it; somebody else must confirm.
    pub proposed_by: Option<String>,
    pub decided_by: Option<String>,
}

/// Names a held inquiry.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameHeld {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
}

/// Exactly what would be released.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldContent {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    /// The doses' JSON.
    pub content: String,
    /// SHA-256 of the content's bytes.
    #[schema(value_type = String, format = Byte)]
    pub digest: Base64Bytes,
}

/// Releases exactly the bytes that were shown; a second person does the same.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseHeld {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    #[schema(value_type = String, format = Byte)]
    pub digest: Base64Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldDecided {
    /// `pending` until the second person has confirmed.
    pub state: HeldState,
}
