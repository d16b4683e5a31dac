//! A second person lets exactly what was previewed into the register: all of it, or nothing.

use db::Tx;
use domain::{Action, Permit};
use room::Host;
use room::operation_log::{actor, entry};
use service::problems::ProblemKind;
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::imports::{ApproveImport, ImportState, Purpose, Stage};

use crate::open::about;
use crate::report::Staged;
use crate::store::file::File;
use crate::{problems, quarantine, store};

pub async fn approve(
    host: &Host,
    permit: Permit,
    request: ApproveImport,
) -> Result<ImportState, ApiError> {
    permit.expect_action(Action::ApproveImport)?;
    let room = host.room(permit.municipality())?;
    let done = room.queue.write(move |tx, acts| {
        let import = request.import;
        let (result, word) = match commit(tx, &permit, &request)? {
            Ok(word) => {
                let file = store::file::find(tx, &permit, import)?;
                (Ok(file.ok_or_else(store::broken_row)?), word)
            }
            Err(refusal) => (Err(refusal), refusal.code),
        };
        if word == "registered" {
            acts.add(entry(&permit, about(import), "file erased").begun());
        }
        acts.add(entry(&permit, about(import), word));
        Ok(result)
    });
    done.await?.map(File::state).map_err(ApiError::new)
}

fn commit(
    tx: &mut Tx,
    permit: &Permit,
    request: &ApproveImport,
) -> Result<Result<&'static str, &'static ProblemKind>, ApiError> {
    let import = request.import;
    let Some(file) = store::file::find(tx, permit, import)? else {
        return Ok(Err(&common::NOT_FOUND));
    };
    let by = actor(permit);
    // The answer to the same approval may have been lost.
    if file.stage == Stage::Committed
        && file.preview.as_deref() == Some(request.preview.as_str())
        && file.decided_by.as_ref() == Some(&by)
    {
        return Ok(Ok("known"));
    }
    if let Some(refusal) = refuse(&file, &by, &request.preview) {
        return Ok(Err(refusal));
    }
    if store::commit::is_outdated(tx, permit, import)? {
        store::change::to_stage(tx, permit, (import, Stage::Uploaded), &file.report)?;
        return Ok(Err(&problems::PREVIEW_OUTDATED));
    }
    let added = store::commit::take_over(tx, permit, import)?;
    // Doubtful rows that wait already are not asked about twice, so they may be fewer.
    let wanted = Staged { doubtful: 0, ..file.report.staged };
    if added != wanted {
        return Err(ApiError::new(&common::INTERNAL));
    }
    quarantine::open_staged(tx, permit, import)?;
    erase(tx, permit, import)?;
    store::change::decide(tx, permit, (import, Stage::Committed), Some(&by))?;
    Ok(Ok("registered"))
}

fn refuse(file: &File, by: &str, preview: &str) -> Option<&'static ProblemKind> {
    if file.purpose == Purpose::Compare {
        return Some(&problems::ONLY_COMPARED);
    }
    if file.stage != Stage::Checked {
        return Some(&problems::WRONG_STAGE);
    }
    if file.uploaded_by == by || file.checked_by.as_deref() == Some(by) {
        return Some(&problems::SECOND_PERSON);
    }
    (file.preview.as_deref() != Some(preview)).then_some(&problems::PREVIEW_OUTDATED)
}

/// Deletes the file and what was made of it; what was found in it, without what stood there, stays
/// for its sender.
pub(crate) fn erase(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<(), ApiError> {
    store::part::delete(tx, permit, import)?;
    quarantine::discard_staged(tx, permit, import)?;
    store::staged::delete(tx, permit, import)
}
