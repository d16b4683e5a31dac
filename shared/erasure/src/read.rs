//! What is proposed and what was erased, and what is held.

use domain::{Action, Permit};
use room::Host;
use room::operation_log::{About, entry};
use service::{ApiError, problems as common};
use wire::erasure::{Erasures, ReadErasures};

use crate::store;
use crate::store::proposal::Proposal;

pub(crate) async fn read(
    host: &Host,
    permit: Permit,
    request: ReadErasures,
) -> Result<Erasures, ApiError> {
    permit.expect_action(Action::ReadErasures)?;
    let room = host.room(permit.municipality())?;
    let wanted = request.erasure;
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let found = match wanted {
            Some(id) => store::proposal::find(tx, permit, id)?.into_iter().collect(),
            None => store::proposal::list(tx, permit)?,
        };
        Ok((found, store::hold::list(tx, permit)?))
    };
    let (found, holds) = host.read("erasure.read", &permit, read).await?;
    if found.is_empty() && wanted.is_some() {
        return Err(ApiError::new(&common::NOT_FOUND));
    }
    let erasures: Vec<_> = found.into_iter().map(Proposal::shown).collect::<Result<_, _>>()?;
    let result = format!("read {}", erasures.len());
    room.queue.add(entry(&permit, About::default(), &result)).await?;
    Ok(Erasures { erasures, holds })
}
