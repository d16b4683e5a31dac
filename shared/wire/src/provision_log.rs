//! What is said to the provision log: outcomes in, receipts and proofs out.

use domain::{InquiryHeader, InquiryId, MunicipalityCode, OperatorId, Outcome, Reason, TerminalId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Base64Bytes;

pub const ENTRIES: &str = "/v1/entries";
pub const ORDERS: &str = "/v1/orders";
pub const OUTCOMES_LIST: &str = "/v1/outcomes/list";
pub const OUTCOMES_FIND: &str = "/v1/outcomes/find";
pub const WITNESS_CHECKPOINT: &str = "/v1/witness/checkpoint";
pub const COSIGNATURES: &str = "/v1/witness/cosignatures";
pub const OBJECTIONS: &str = "/v1/witness/objections";
pub const INCLUSION: &str = "/v1/proofs/inclusion";
pub const CONSISTENCY: &str = "/v1/proofs/consistency";
pub const CHECKPOINT: &str = "/checkpoint";
pub const TILE: &str = "/tile/{level}/{path:.*}";

/// What the log writes; its JSON bytes are the Merkle leaf's body (docs/LOG_FORMAT.md §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeafBody {
    /// The log's own clock when it took the entry in; its month in Japan is the entry's segment.
    pub logged_at_unix_ms: i64,
    pub act: Act,
}

/// What an entry tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    Outcome(Entry),
    Order(SignedOrder),
}

/// An order of the custodians: a signed note (docs/LOG_FORMAT.md §7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedOrder {
    pub note: String,
}

/// How one inquiry ended (情報提供等の記録), as the broker reports it.
///
/// The centre alone can tell nothing about a person from it: `commitment` is salted, the salt is
/// kept by the two municipalities, and it is absent unless something was provided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    #[schema(value_type = String, format = Uuid)]
    pub inquiry: InquiryId,
    /// The permit's id; each attempt has its own.
    pub permit: String,
    #[schema(value_type = String)]
    pub inquirer: MunicipalityCode,
    #[schema(value_type = String)]
    pub provider: MunicipalityCode,
    #[schema(value_type = String)]
    pub operator: OperatorId,
    #[schema(value_type = String)]
    pub terminal: TerminalId,
    pub procedure: String,
    pub legal_basis: String,
    pub items: String,
    #[schema(value_type = String)]
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Byte)]
    pub commitment: Option<Base64Bytes>,
    pub asked_at_unix_s: i64,
    pub decided_at_unix_ms: i64,
}

impl Entry {
    /// The entry of an inquiry's end, from what the broker knows.
    pub fn of(header: &InquiryHeader, permit: String, end: End, decided_at_unix_ms: i64) -> Self {
        let header = header.clone();
        Self {
            inquiry: header.inquiry,
            permit,
            inquirer: header.inquirer,
            provider: header.provider,
            operator: header.operator,
            terminal: header.terminal,
            procedure: header.procedure,
            legal_basis: header.legal_basis,
            items: header.items,
            outcome: end.outcome,
            reason: end.reason,
            commitment: end.commitment,
            asked_at_unix_s: header.asked_at_unix_s,
            decided_at_unix_ms,
        }
    }
}

/// How an inquiry ended, with what belongs to the kind of end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub outcome: Outcome,
    pub reason: Option<Reason>,
    pub commitment: Option<Base64Bytes>,
}

impl End {
    pub fn provided(commitment: Base64Bytes) -> Self {
        Self { outcome: Outcome::Provided, reason: None, commitment: Some(commitment) }
    }

    pub fn nothing() -> Self {
        Self { outcome: Outcome::Nothing, reason: None, commitment: None }
    }

    pub fn refused(reason: Reason) -> Self {
        Self { outcome: Outcome::Refused, reason: Some(reason), commitment: None }
    }

    pub fn failed(reason: Reason) -> Self {
        Self { outcome: Outcome::Failed, reason: Some(reason), commitment: None }
    }
}

/// Proof that an entry is durable: enough to check it off-line, years later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The exact bytes of a [`LeafBody`]; SHA-256(0x00 ‖ these) is the leaf.
    pub entry: String,
    pub index: u64,
    /// Signed note (c2sp.org tlog-checkpoint) of a tree that contains the entry.
    pub checkpoint: String,
    /// Inclusion proof of the leaf in that tree, from the leaf upwards.
    #[schema(value_type = Vec<String>)]
    pub proof: Vec<Base64Bytes>,
}

/// A municipality's own entries, as inquirer or provider, in log order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListOutcomes {
    #[schema(value_type = String)]
    pub municipality: MunicipalityCode,
    /// First index wanted.
    pub from_index: u64,
    /// At most 1,000.
    pub limit: u16,
}

pub const LIST_LIMIT_MAX: u16 = 1_000;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcomes {
    pub entries: Vec<IndexedEntry>,
    /// Where to go on, if there is more.
    pub next_index: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexedEntry {
    pub index: u64,
    pub logged_at_unix_ms: i64,
    pub entry: Entry,
}

/// The settled ends of these inquiries, each with its proof; for the partition that hosts the
/// inquirer or the provider.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindOutcomes {
    #[schema(value_type = String)]
    pub municipality: MunicipalityCode,
    /// At most 100.
    #[schema(value_type = Vec<String>)]
    pub inquiries: Vec<InquiryId>,
}

pub const FIND_INQUIRIES_MAX: usize = 100;

/// What was found; an inquiry of other municipalities, or of none, is left out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundOutcomes {
    pub receipts: Vec<Receipt>,
}

/// Cosignatures of one checkpoint by rooms of one partition instance (docs/LOG_FORMAT.md §5).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cosignatures {
    /// The checkpoint's text and the cosignature lines: a signed note, at most 2,048 lines.
    pub note: String,
}

/// A witness has seen the log sign something that it does not continue.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objection {
    #[schema(value_type = String)]
    pub municipality: MunicipalityCode,
    /// The checkpoint the witness knows, signed by the log itself.
    pub known: String,
}

/// The log's answer to an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectionHeard {
    /// Whether the log has stopped because of it; otherwise it does continue that checkpoint.
    pub sustained: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProveInclusion {
    pub index: u64,
    pub size: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProveConsistency {
    pub old_size: u64,
    pub new_size: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    #[schema(value_type = Vec<String>)]
    pub hashes: Vec<Base64Bytes>,
}
