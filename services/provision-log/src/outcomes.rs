//! Verb: list a municipality's own entries.

use domain::{Action, Actor, OpContext, ServiceKind, authorize};
use service::{ApiError, Participants, problems};
use wire::provision_log::{LIST_LIMIT_MAX, ListOutcomes, Outcomes};

use crate::log::Log;
use crate::store;

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
        let permit = authorize(context, Action::ReadOutcomes, municipality)?;
        let directory = participants
            .directory(context.at.unix_timestamp())
            .map_err(|error| ApiError::caused(&problems::UNAVAILABLE, error))?;
        let host = directory.member(municipality).map(|member| member.host.as_str());
        if host.is_none() || host != partition_instance(&context.actor) {
            return Err(ApiError::new(&problems::DENIED));
        }
        let read = move |tx: &mut _| store::outcomes(tx, &permit, from_index, limit);
        let mut entries = self.db.read("provision-log.outcomes", read).await?;
        let next_index = entries.get(usize::from(limit)).map(|one| one.index);
        entries.truncate(usize::from(limit));
        Ok(Outcomes { entries, next_index })
    }
}

/// The policy lets every partition ask; which rooms are its own, only the directory knows.
fn partition_instance(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Service { kind: ServiceKind::Partition, instance } => Some(instance),
        _ => None,
    }
}
