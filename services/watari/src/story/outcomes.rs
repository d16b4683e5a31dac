//! What the provision log says about an inquiry, read and proven from outside.

use domain::{InquiryId, MunicipalityCode, RequestId, ServiceKind};
use ledger::{Checkpoint, Hash, Origin, Verifier, leaf_hash, verify_inclusion};
use wire::provision_log::{
    Act, CHECKPOINT, INCLUSION, IndexedEntry, LIST_LIMIT_MAX, LeafBody, ListOutcomes,
    OUTCOMES_LIST, Outcomes, Proof, ProveInclusion,
};

use super::site::Site;
use crate::Failure;
use cast::Person;

/// Every entry about an inquiry, as the partition that hosts `municipality` may read them.
pub async fn entries_of(
    site: &Site,
    municipality: MunicipalityCode,
    inquiry: InquiryId,
) -> Result<Vec<IndexedEntry>, Failure> {
    let log = site.client(ServiceKind::Partition.as_str(), ServiceKind::ProvisionLog)?;
    let mut entries = Vec::new();
    let mut from = Some(0);
    while let Some(from_index) = from {
        let wanted = ListOutcomes { municipality, from_index, limit: LIST_LIMIT_MAX };
        let page: Outcomes = log
            .post(OUTCOMES_LIST, &RequestId::make_random(), None, &wanted)
            .await
            .map_err(Failure::call("reading the provision log"))?;
        entries.extend(page.entries.into_iter().filter(|one| one.entry.inquiry == inquiry));
        from = page.next_index;
    }
    Ok(entries)
}

/// Fetches the newest checkpoint and a proof from a terminal, and checks both with nothing but the
/// log's public key; returns how many entries the log has.
pub async fn prove(site: &Site, reader: &Person, found: &IndexedEntry) -> Result<u64, Failure> {
    let log = site.client(reader.terminal.as_str(), ServiceKind::ProvisionLog)?;
    let note = log
        .get_text(CHECKPOINT, &RequestId::make_random())
        .await
        .map_err(Failure::call("reading the checkpoint"))?;
    let checkpoint = open(site, &note)?;
    let (index, size) = (found.index, checkpoint.size);
    let proof: Proof = log
        .post(INCLUSION, &RequestId::make_random(), None, &ProveInclusion { index, size })
        .await
        .map_err(Failure::call("reading the proof"))?;
    let unproven = Failure::Claim("the entry is in the log that the checkpoint signs");
    let hashes = proof.hashes.iter().map(|hash| Hash::try_from(hash.0.as_slice()));
    let IndexedEntry { logged_at_unix_ms, entry, .. } = found.clone();
    let body = serde_json::to_vec(&LeafBody { logged_at_unix_ms, act: Act::Outcome(entry) });
    let (Ok(hashes), Ok(body)) = (hashes.collect::<Result<Vec<_>, _>>(), body) else {
        return Err(unproven);
    };
    match verify_inclusion(leaf_hash(&body), index, size, checkpoint.root, &hashes) {
        Ok(()) => Ok(size),
        Err(_) => Err(unproven),
    }
}

fn open(site: &Site, note: &str) -> Result<Checkpoint, Failure> {
    let unsigned = || Failure::Claim("the checkpoint is signed by the log's pinned key");
    let config = site.settings.partition()?;
    let origin = Origin::parse(&config.log_origin).map_err(|_| unsigned())?;
    let verifiers = config.log_verifiers.iter().map(|text| text.parse::<Verifier>());
    let verifiers = verifiers.collect::<Result<Vec<_>, _>>().map_err(|_| unsigned())?;
    Checkpoint::open(note, &origin, &verifiers).map_err(|_| unsigned())
}
