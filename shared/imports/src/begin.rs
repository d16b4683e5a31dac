//! Has a file checked against the register; the answer comes later.

use domain::{Action, Permit};
use room::Host;
use room::operation_log::{actor, entry};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::imports::{ImportState, Stage};

use crate::open::about;
use crate::{problems, send, store};

pub async fn begin(host: &Host, permit: Permit, import: Uuid) -> Result<ImportState, ApiError> {
    permit.expect_action(Action::PrepareImport)?;
    let room = host.room(permit.municipality())?;
    let find = move |tx: &mut db::Tx, permit: &Permit| store::file::find(tx, permit, import);
    // All parts may be here, and the answer to the last one lost with a crash.
    if let Some(file) = host.read("imports.find", &permit, find).await? {
        send::complete(host, &room, &permit, file).await?;
    }
    let municipality = permit.municipality();
    let done = room.queue.write(move |tx, acts| {
        let Some(file) = store::file::find(tx, &permit, import)? else {
            acts.add(entry(&permit, about(import), common::NOT_FOUND.code));
            return Ok(Err(&common::NOT_FOUND));
        };
        match file.stage {
            Stage::Uploaded | Stage::Checked => {
                store::change::begin_check(tx, &permit, import, &actor(&permit))?;
                acts.add(entry(&permit, about(import), "check begun"));
            }
            Stage::Checking => acts.add(entry(&permit, about(import), "known")),
            _ => {
                acts.add(entry(&permit, about(import), problems::WRONG_STAGE.code));
                return Ok(Err(&problems::WRONG_STAGE));
            }
        }
        store::file::find(tx, &permit, import)?.map(Ok).ok_or_else(store::broken_row)
    });
    let file = done.await?.map_err(ApiError::new)?;
    host.imports.ask(municipality);
    Ok(file.state())
}
