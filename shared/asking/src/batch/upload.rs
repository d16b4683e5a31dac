//! A file is announced and arrives in parts; what arrives is sealed at once.

use domain::{Action, Actor, Permit};
use room::operation_log::entry;
use room::{Host, store};
use service::ApiError;
use store::batch::Batch;
use wire::batch::{BatchPart, BatchState, CreateBatch, FILE_BYTES_MAX, NameBatch, PART_BYTES_MAX};

use super::{Batches, about, expiry, problems};

const SHA256_BYTES: usize = 32;
/// Parts of a file; many more than are needed.
const PARTS_MAX: u32 = 4_096;

/// Announces a file; the same announcement again changes nothing.
pub(super) async fn create(
    host: &Host,
    permit: Permit,
    new: CreateBatch,
) -> Result<NameBatch, ApiError> {
    permit.expect_action(Action::AskBatch)?;
    let room = host.room(permit.municipality())?;
    check(&new)?;
    let (open_max, expires_at_unix_ms) = (host.batch.open_max, expiry(host));
    let batch = new.batch;
    let refused = room
        .queue
        .write(move |tx, acts| {
            let open = [
                BatchState::Uploading,
                BatchState::Checked,
                BatchState::Running,
                BatchState::Stopped,
            ];
            let (refused, result) = match store::batch::find(tx, &permit, new.batch)? {
                Some(found) if !is_same(&found, &new, &permit) => {
                    (Some(&problems::REUSED), problems::REUSED.code)
                }
                Some(_) => (None, "batch announced again"),
                None if store::batch::list(tx, &permit, &open)?.len() >= open_max => {
                    (Some(&problems::TOO_MANY_OPEN), problems::TOO_MANY_OPEN.code)
                }
                None => {
                    store::batch::insert(tx, &permit, &new, expires_at_unix_ms)?;
                    (None, "batch announced")
                }
            };
            acts.add(entry(&permit, about(new.batch), result));
            Ok(refused)
        })
        .await?;
    refused.map_or(Ok(NameBatch { batch }), |kind| Err(ApiError::new(kind)))
}

fn check(new: &CreateBatch) -> Result<(), ApiError> {
    let codes = [&new.procedure, &new.legal_basis];
    if !codes.into_iter().all(|code| domain::inquiry::is_law_code(code)) {
        return Err(ApiError::field("procedure"));
    }
    if !(1..=FILE_BYTES_MAX).contains(&new.total_bytes) {
        return Err(ApiError::field("totalBytes"));
    }
    if new.sha256.0.len() != SHA256_BYTES {
        return Err(ApiError::field("sha256"));
    }
    Ok(())
}

fn is_same(found: &Batch, new: &CreateBatch, permit: &Permit) -> bool {
    is_submitter(found, permit)
        && found.procedure == new.procedure
        && found.legal_basis == new.legal_basis
        && found.confirmation == new.confirmation
        && (found.total_bytes, &found.sha256) == (new.total_bytes, &new.sha256.0)
}

/// Whether the caller is the person in whose name the rows are asked, at whatever terminal.
pub(super) fn is_submitter(batch: &Batch, permit: &Permit) -> bool {
    match (&batch.submitter, &permit.context().actor) {
        (Actor::Operator { id, .. }, Actor::Operator { id: caller, .. }) => id == caller,
        _ => false,
    }
}

/// Keeps a part of the file.
pub(super) async fn part(
    host: &Host,
    permit: Permit,
    part: BatchPart,
) -> Result<NameBatch, ApiError> {
    permit.expect_action(Action::AskBatch)?;
    let room = host.room(permit.municipality())?;
    if !(1..=PART_BYTES_MAX).contains(&part.bytes.0.len()) {
        return Err(ApiError::field("bytes"));
    }
    if part.part >= PARTS_MAX {
        return Err(ApiError::field("part"));
    }
    let (batch, keys) = (part.batch, room.keys()?);
    let refused = room
        .queue
        .write(move |tx, acts| {
            let found = store::batch::find(tx, &permit, part.batch)?;
            let refused = match &found {
                None => Some(&service::problems::NOT_FOUND),
                Some(found) if !is_submitter(found, &permit) => Some(&problems::NOT_SUBMITTER),
                Some(found) if found.state != BatchState::Uploading => Some(&problems::CLOSED),
                Some(found) => {
                    store::batch::insert_part(tx, &keys, &permit, &part)?;
                    let bytes = store::batch::part_bytes(tx, &permit, part.batch)?;
                    if bytes > found.total_bytes {
                        // Undoes the part: more has come than was announced.
                        return Err(ApiError::new(&problems::ALTERED));
                    }
                    None
                }
            };
            let result = refused.map_or("part kept", |kind| kind.code);
            acts.add(entry(&permit, about(part.batch), result));
            Ok(refused)
        })
        .await?;
    refused.map_or(Ok(NameBatch { batch }), |kind| Err(ApiError::new(kind)))
}

/// Stops a batch for good; what was answered stays until its time.
pub(super) async fn cancel(
    host: &Host,
    batches: &Batches,
    permit: Permit,
    named: NameBatch,
) -> Result<NameBatch, ApiError> {
    permit.expect_action(Action::AskBatch)?;
    let room = host.room(permit.municipality())?;
    let (municipality, now, expires) = (permit.municipality(), host.now_unix_ms(), expiry(host));
    let batch = named.batch;
    let refused = room
        .queue
        .write(move |tx, acts| {
            let change = store::batch::Change {
                finished_at_unix_ms: Some(now),
                expires_at_unix_ms: Some(expires),
                ..Default::default()
            };
            let (refused, result) = match store::batch::find(tx, &permit, batch)? {
                None => (Some(&service::problems::NOT_FOUND), service::problems::NOT_FOUND.code),
                Some(found) => match found.state {
                    BatchState::Done | BatchState::Cancelled | BatchState::Expired => {
                        (None, "batch already over")
                    }
                    from => {
                        let step = (batch, from, BatchState::Cancelled);
                        store::batch::advance(tx, &permit, step, &change)?;
                        store::batch::erase_parts(tx, &permit, batch)?;
                        (None, "batch cancelled")
                    }
                },
            };
            acts.add(entry(&permit, about(batch), result));
            Ok(refused)
        })
        .await?;
    batches.wake(municipality);
    refused.map_or(Ok(named), |kind| Err(ApiError::new(kind)))
}
