//! Throws a file away, by a person, or by time.

use domain::{Action, Permit};
use room::Host;
use room::Room;
use room::operation_log::{actor, entry};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::imports::{ImportState, Stage};

use crate::open::about;
use crate::store::file::File;
use crate::{approve, problems, store};

/// Nobody has decided for so long: the file goes.
const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

pub(crate) async fn discard(
    host: &Host,
    permit: Permit,
    import: Uuid,
) -> Result<ImportState, ApiError> {
    permit.expect_action(Action::ApproveImport)?;
    let room = host.room(permit.municipality())?;
    let done = room.queue.write(move |tx, acts| {
        let Some(file) = store::file::find(tx, &permit, import)? else {
            acts.add(entry(&permit, about(import), common::NOT_FOUND.code));
            return Ok(Err(&common::NOT_FOUND));
        };
        let word = match file.stage {
            Stage::Discarded => "known",
            Stage::Committed | Stage::Expired => {
                acts.add(entry(&permit, about(import), problems::WRONG_STAGE.code));
                return Ok(Err(&problems::WRONG_STAGE));
            }
            _ => {
                approve::erase(tx, &permit, import)?;
                let by = actor(&permit);
                store::change::decide(tx, &permit, (import, Stage::Discarded), Some(&by))?;
                "discarded"
            }
        };
        acts.add(entry(&permit, about(import), word));
        store::file::find(tx, &permit, import)?.map(Ok).ok_or_else(store::broken_row)
    });
    done.await?.map(File::state).map_err(ApiError::new)
}

/// Throws away what nobody has decided about in time.
pub(crate) async fn expire(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let before = host.now_unix_ms().saturating_sub(KEPT_MS);
    let list =
        move |tx: &mut db::Tx, permit: &Permit| store::file::list_overdue(tx, permit, before);
    for import in host.read("imports.overdue", &permit, list).await? {
        let permit = permit.clone();
        let written = room.queue.write(move |tx, acts| {
            // Somebody may have decided about it meanwhile.
            if !store::file::list_overdue(tx, &permit, before)?.contains(&import) {
                return Ok(());
            }
            approve::erase(tx, &permit, import)?;
            store::finding::delete(tx, &permit, import)?;
            store::change::decide(tx, &permit, (import, Stage::Expired), None)?;
            acts.add(entry(&permit, about(import), "file expired"));
            Ok(())
        });
        written.await?;
    }
    Ok(())
}
