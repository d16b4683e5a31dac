//! What is said to the provision log: outcomes in, receipts and proofs out.

use domain::{InquiryHeader, InquiryId, MunicipalityCode, OperatorId, Outcome, Reason, TerminalId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Base64Bytes;

pub const ENTRIES: &str = "/v1/entries";
pub const OUTCOMES_LIST: &str = "/v1/outcomes/list";
pub const INCLUSION: &str = "/v1/proofs/inclusion";
pub const CONSISTENCY: &str = "/v1/proofs/consistency";
pub const CHECKPOINT: &str = "/checkpoint";
pub const TILE: &str = "/tile/{level}/{path:.*}";

/// One entry of the provision log (情報提供等の記録); its JSON bytes are the Merkle leaf's body.
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
    /// The entry's exact bytes; SHA-256(0x00 ‖ these) is the leaf.
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
    pub entry: Entry,
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
