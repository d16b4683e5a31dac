//! Takes a part of an announced file, sealed before it is written.

use crypto::Sha256Stream;
use db::Tx;
use domain::{Action, Permit};
use room::Host;
use room::Room;
use room::operation_log::{actor, entry};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::imports::{ImportState, PART_BYTES, SendPart, Stage};
use zeroize::Zeroizing;

use crate::open::about;
use crate::store::file::File;
use crate::{problems, store};

pub async fn send(host: &Host, permit: Permit, request: SendPart) -> Result<ImportState, ApiError> {
    permit.expect_action(Action::PrepareImport)?;
    let room = host.room(permit.municipality())?;
    let SendPart { import, part, bytes } = request;
    let bytes = Zeroizing::new(bytes.0);
    let part = i32::try_from(part).map_err(|_| ApiError::field("part"))?;
    let sealed = store::part::seal(&*room.keys()?, (import, part), &bytes)?;
    let size = u64::try_from(bytes.len()).map_err(|_| ApiError::field("bytes"))?;
    drop(bytes);
    let writing = permit.clone();
    let done = room.queue.write(move |tx, acts| {
        let permit = &writing;
        let Some(file) = store::file::find(tx, permit, import)? else {
            acts.add(entry(permit, about(import), common::NOT_FOUND.code));
            return Ok(Err(&common::NOT_FOUND));
        };
        if let Some(refusal) = refuse(&file, permit, (part, size)) {
            acts.add(entry(permit, about(import), refusal.code));
            return Ok(Err(refusal));
        }
        let is_new = part == file.next_part;
        if is_new {
            store::part::insert(tx, permit, (import, part), &sealed)?;
            store::change::add_part(tx, permit, import)?;
        }
        acts.add(entry(permit, about(import), if is_new { "part kept" } else { "known" }));
        let file = store::file::find(tx, permit, import)?;
        file.map(Ok).ok_or_else(store::broken_row)
    });
    let file = done.await?.map_err(ApiError::new)?;
    let file = complete(host, &room, &permit, file).await?;
    Ok(file.state())
}

/// A part that is here already is no fault, whatever has become of the file since.
fn refuse(
    file: &File,
    permit: &Permit,
    (part, size): (i32, u64),
) -> Option<&'static service::problems::ProblemKind> {
    if file.uploaded_by != actor(permit) {
        return Some(&problems::NOT_THE_UPLOADER);
    }
    if (0..file.next_part).contains(&part) {
        return None;
    }
    if file.stage != Stage::Uploading {
        return Some(&problems::WRONG_STAGE);
    }
    let full = u64::try_from(PART_BYTES).ok()?;
    let before = u64::try_from(part).ok()?.checked_mul(full)?;
    let wanted = file.total_bytes.saturating_sub(before).min(full);
    (part != file.next_part || size != wanted).then_some(&problems::PART_OUT_OF_ORDER)
}

/// Once all parts are here: is it the file that was announced?
pub(crate) async fn complete(
    host: &Host,
    room: &Room,
    permit: &Permit,
    file: File,
) -> Result<File, ApiError> {
    if file.stage != Stage::Uploading || !file.has_all_parts() {
        return Ok(file);
    }
    let is_same = digest(host, room, permit, &file).await? == file.sha256;
    let (permit, import) = (permit.clone(), file.id);
    let written = room.queue.write(move |tx, _| {
        let file = store::file::find(tx, &permit, import)?.ok_or_else(store::broken_row)?;
        if file.stage != Stage::Uploading {
            return Ok(file);
        }
        let mut report = file.report;
        report.problem =
            (!is_same).then(|| crate::report::problem(&problems::DIGEST_DIFFERS, None));
        let stage = if is_same { Stage::Uploaded } else { Stage::Refused };
        store::change::to_stage(tx, &permit, (import, stage), &report)?;
        store::file::find(tx, &permit, import)?.ok_or_else(store::broken_row)
    });
    written.await
}

async fn digest(
    host: &Host,
    room: &Room,
    permit: &Permit,
    file: &File,
) -> Result<String, ApiError> {
    let mut digest = Sha256Stream::default();
    for part in 0..file.next_part {
        let bytes = read_part(host, room, permit, (file.id, part)).await?;
        digest.update(&bytes.ok_or_else(store::broken_row)?);
    }
    Ok(hex(&digest.finish()))
}

pub(crate) async fn read_part(
    host: &Host,
    room: &Room,
    permit: &Permit,
    place: (Uuid, i32),
) -> Result<Option<Zeroizing<Vec<u8>>>, ApiError> {
    let keys = room.keys()?;
    let read = move |tx: &mut Tx, permit: &Permit| store::part::read(tx, &keys, permit, place);
    host.read("imports.part", permit, read).await
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
