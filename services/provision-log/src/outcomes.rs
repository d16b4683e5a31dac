//! Verbs: list a municipality's own entries, and find the ends of its inquiries.

use domain::{Action, OpContext};
use ledger::Hash;
use service::hosted::{directory, expect_host};
use service::{ApiError, Participants};
use wire::provision_log::{
    FIND_INQUIRIES_MAX, FindOutcomes, FoundOutcomes, LIST_LIMIT_MAX, ListOutcomes, Outcomes,
    Receipt,
};

use crate::log::Log;
use crate::proofs::{to_wire, unreadable};
use crate::store::{self, StoreError};

impl Log {
    /// Lists what the asking partition's municipality took part in, as inquirer or provider.
    pub async fn list_outcomes(
        &self,
        context: &OpContext,
        participants: &Participants,
        wanted: ListOutcomes,
    ) -> Result<Outcomes, ApiError> {
        let ListOutcomes { municipality, from_index, limit } = wanted;
        if !(1..=LIST_LIMIT_MAX).contains(&limit) {
            return Err(ApiError::field("limit"));
        }
        let directory = directory(context, participants)?;
        let permit = expect_host(context, Action::ReadOutcomes, &directory, municipality)?;
        let read = move |tx: &mut _| store::outcomes(tx, &permit, from_index, limit);
        let mut entries = self.db.read("provision-log.outcomes", read).await?;
        let next_index = entries.get(usize::from(limit)).map(|one| one.index);
        entries.truncate(usize::from(limit));
        Ok(Outcomes { entries, next_index })
    }

    /// Finds how inquiries were settled in which the asking partition's municipality took part.
    pub async fn find_outcomes(
        &self,
        context: &OpContext,
        participants: &Participants,
        wanted: FindOutcomes,
    ) -> Result<FoundOutcomes, ApiError> {
        let FindOutcomes { municipality, inquiries } = wanted;
        if inquiries.len() > FIND_INQUIRIES_MAX {
            return Err(ApiError::field("inquiries"));
        }
        let directory = directory(context, participants)?;
        let permit = expect_host(context, Action::ReadOutcomes, &directory, municipality)?;
        let head = self.head();
        let (tree, checkpoint) = (head.tree.clone(), head.note.clone());
        let read = move |tx: &mut db::Tx| {
            let mut found = store::settled(tx, &permit, &inquiries)?;
            // What has just been written is found the next time.
            found.retain(|(index, _)| *index < tree.size());
            let prove = |(index, entry): (u64, String)| {
                let read = |id, _| store::tile(tx, id);
                let proof = tree.inclusion_proof(index, tree.size(), read).map_err(unreadable)?;
                Ok((entry, index, proof))
            };
            found
                .into_iter()
                .map(prove)
                .collect::<Result<Vec<(String, u64, Vec<Hash>)>, StoreError>>()
        };
        let found = self.db.read("provision-log.find", read).await?;
        let receipts = found.into_iter().map(|(entry, index, proof)| {
            let (checkpoint, proof) = (checkpoint.clone(), to_wire(&proof));
            Receipt { entry, index, checkpoint, proof }
        });
        Ok(FoundOutcomes { receipts: receipts.collect() })
    }
}
