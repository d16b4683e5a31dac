//! Entries of the provision log, believed only with their proofs (docs/LOG_FORMAT.md §9).

use std::collections::HashMap;

use domain::{InquiryId, Permit};
use ledger::Hash;
use service::{ApiError, problems as common};
use wire::provision_log::{
    Act, Entry, FIND_INQUIRIES_MAX, FindOutcomes, FoundOutcomes, LeafBody, OUTCOMES_FIND, Receipt,
};
use wire::{Base64Bytes, CallError};

use crate::host::Host;
use crate::problems;

/// The outcome that a receipt proves to be in the log.
pub fn proven(host: &Host, receipt: &Receipt) -> Option<Entry> {
    let checkpoint = host.checkpoint(&receipt.checkpoint)?;
    let proof = hashes(&receipt.proof)?;
    let leaf = ledger::leaf_hash(receipt.entry.as_bytes());
    let (size, root) = (checkpoint.size, checkpoint.root);
    ledger::verify_inclusion(leaf, receipt.index, size, root, &proof).ok()?;
    match serde_json::from_str::<LeafBody>(&receipt.entry).ok()?.act {
        Act::Outcome(entry) => Some(entry),
        Act::Order(_) => None,
    }
}

/// The settled ends of these inquiries of the room, each proven; what the log does not know is
/// left out.
pub async fn find(
    host: &Host,
    permit: &Permit,
    inquiries: &[InquiryId],
) -> Result<HashMap<InquiryId, (Entry, Receipt)>, ApiError> {
    let mut found = HashMap::new();
    for some in inquiries.chunks(FIND_INQUIRIES_MAX) {
        let municipality = permit.municipality();
        let wanted = FindOutcomes { municipality, inquiries: some.to_vec() };
        let request = &permit.context().request;
        let answer: Result<FoundOutcomes, CallError> =
            host.log.post(OUTCOMES_FIND, request, None, &wanted).await;
        for receipt in answer.map_err(unavailable)?.receipts {
            let entry = proven(host, &receipt)
                .filter(|entry| some.contains(&entry.inquiry) && entry.outcome.settles())
                .ok_or_else(|| ApiError::new(&problems::BAD_ANSWER))?;
            found.insert(entry.inquiry, (entry, receipt));
        }
    }
    Ok(found)
}

pub fn hashes(proof: &[Base64Bytes]) -> Option<Vec<Hash>> {
    proof.iter().map(|hash| Hash::try_from(hash.0.as_slice()).ok()).collect()
}

/// The log's words are not for the caller.
pub fn unavailable(error: CallError) -> ApiError {
    ApiError::caused(&common::UNAVAILABLE, error)
}
