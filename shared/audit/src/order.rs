//! Orders of the custodians: what may be held, let go and destroyed (docs/LOG_FORMAT.md §7).

use std::collections::BTreeSet;

use domain::{MunicipalityCode, retention::Segment};
use ledger::{Hash, KeyName, Note, NoteError, Origin, Verifier};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

/// What the custodians want, before and after they sign it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Order {
    pub id: Uuid,
    pub issued_at_unix_ms: i64,
    pub order: OrderAct,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OrderAct {
    Hold(Hold),
    LiftHold(LiftHold),
    Destroy(Destroy),
}

/// Keeps entries beyond their period, those that are not logged yet included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hold {
    pub scope: Scope,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    Range(IndexRange),
    /// As inquirer or as provider.
    Municipality(MunicipalityCode),
    /// A person's entries, as its municipality knows them.
    Entries(Vec<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndexRange {
    pub from_index: u64,
    /// The first index that is not meant any more.
    pub to_index: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiftHold {
    /// The hold's order id.
    pub hold: Uuid,
}

/// The destruction slip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Destroy {
    pub segment: Segment,
    /// `(from, to)`: from the first index to the first that is not meant any more.
    pub ranges: Vec<(u64, u64)>,
    /// Within the ranges, what stays because of a hold.
    pub held: Vec<u64>,
    pub bodies: u64,
    /// SHA-256 over the leaf hashes of the destroyed bodies, in order.
    pub digest: Hash,
    /// The last day on which the segment had to be kept.
    pub kept_through: Date,
    pub years: u32,
}

/// An order whose signatures hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedOrder {
    pub order: Order,
    /// Each custodian once.
    pub signed_by: Vec<KeyName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("the order's signatures: {0}")]
    Note(#[from] NoteError),
    #[error("the order is for another log")]
    WrongOrigin,
    #[error("the signed text is not an order")]
    NotAnOrder,
}

impl Order {
    /// The text that the custodians sign: the log's origin and the order, each on its line.
    #[must_use]
    pub fn note_text(&self, origin: &Origin) -> String {
        // Texts, numbers and dates: nothing in an order can fail to be written.
        let order = serde_json::to_string(self).unwrap_or_default();
        format!("{origin}\n{order}\n")
    }

    /// Opens an order for this log; nothing of it is believed before a custodian's signature holds.
    ///
    /// Whether enough custodians signed depends on the order: [`OpenedOrder::has_enough_signatures`].
    pub fn open(
        note: &str,
        origin: &Origin,
        custodians: &[Verifier],
    ) -> Result<OpenedOrder, OrderError> {
        let note: Note = note.parse()?;
        let signed_by = each_once(&note.verify(custodians)?);
        let lines = note.text().strip_suffix('\n').and_then(|text| text.split_once('\n'));
        let (first, json) = lines.ok_or(OrderError::NotAnOrder)?;
        if first != origin.as_str() {
            return Err(OrderError::WrongOrigin);
        }
        if json.contains('\n') {
            return Err(OrderError::NotAnOrder);
        }
        let order = serde_json::from_str(json).map_err(|_| OrderError::NotAnOrder)?;
        Ok(OpenedOrder { order, signed_by })
    }
}

/// One person counts once, under however many names or keys that person signed.
fn each_once(signed_by: &[&Verifier]) -> Vec<KeyName> {
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let persons = signed_by.iter().filter(|verifier| {
        let new_name = names.insert(verifier.name());
        let new_key = keys.insert(verifier.public_key());
        new_name && new_key
    });
    persons.map(|verifier| verifier.name().clone()).collect()
}

impl OrderAct {
    /// How many different custodians must sign: keeping is easy, letting go is not.
    #[must_use]
    pub fn signatures_needed(&self) -> usize {
        match self {
            Self::Hold(_) => 1,
            Self::LiftHold(_) | Self::Destroy(_) => 2,
        }
    }
}

impl OpenedOrder {
    #[must_use]
    pub fn has_enough_signatures(&self) -> bool {
        self.signed_by.len() >= self.order.order.signatures_needed()
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
