//! New data keys for a room: what is to stay is sealed anew, then the older keys are destroyed.
//!
//! So what was erased cannot be read in old pages, in the write-ahead log or in a backup.  The
//! keys that seal inquiries and sign stay; they have their own way of being replaced.

use std::time::Duration;

use db::Tx;
use domain::{Action, Permit};
use room::operation_log::{About, entry, unix_ms};
use room::store::reseal;
use room::{Host, Room};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::erasure::{RotateKeys, Rotation, RotationState};

use crate::people::person;
use crate::store::rotation::Kept;
use crate::{problems, store};

/// Acts that still hold older keys are looked for again after this long.
const UNSETTLED: Duration = Duration::from_millis(100);
/// After so many looks other rooms have their turn first.
const LOOKS_MAX: u32 = 50;

pub(crate) async fn rotate(
    host: &Host,
    permit: Permit,
    request: RotateKeys,
) -> Result<Rotation, ApiError> {
    permit.expect_action(Action::RotateKeys)?;
    let room = host.room(permit.municipality())?;
    let who = person(&permit)?;
    let begun = begin(&room, permit, (request.rotation, who)).await?;
    host.endings.ask(room.municipality);
    begun.ok_or_else(|| ApiError::new(&problems::ROTATING))
}

/// `None` if another one is under way.
pub(crate) async fn begin(
    room: &Room,
    permit: Permit,
    (id, who): (Uuid, String),
) -> Result<Option<Rotation>, ApiError> {
    let keys = room.keys()?;
    room.queue
        .write(move |tx, acts| {
            let known = store::rotation::find(tx, &permit, id)?.map(|kept| kept.rotation);
            let is_other = known.is_none() && store::rotation::under_way(tx, &permit)?.is_some();
            let begun = match known {
                Some(known) => Some(known),
                None if is_other => None,
                None => {
                    let rotation = Rotation {
                        rotation: id,
                        state: RotationState::Resealing,
                        resealed: 0,
                        begun_at_unix_ms: unix_ms(permit.context().at),
                        done_at_unix_ms: None,
                    };
                    let kept = Kept { rotation: rotation.clone(), former_key: keys.data_key() };
                    store::rotation::insert(tx, &permit, (&kept, &who))?;
                    Some(rotation)
                }
            };
            let result = match begun.as_ref().map(|begun| begun.state) {
                None => problems::ROTATING.code,
                Some(RotationState::Done) => "rotated",
                Some(_) => "rotating",
            };
            acts.add(entry(&permit, About::default(), result));
            Ok(begun)
        })
        .await
}

/// Goes on with the rotation that is under way, if there is one, from wherever it stopped.
pub(crate) async fn go_on(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let find = |tx: &mut Tx, permit: &Permit| store::rotation::under_way(tx, permit);
    let Some(kept) = host.read("erasure.rotation", &permit, find).await? else { return Ok(()) };
    let id = kept.rotation.rotation;
    if room.keys()?.data_key() == kept.former_key {
        room.ring.rotate()?;
    }
    settle(room).await?;
    reseal_all(host, room, id).await?;
    // From this line on, another process that writes to the room has to read the keys again.
    mark(host, room, (id, RotationState::Resealed), "resealed").await?;
    if older(host, room, &permit).await? > 0 {
        tracing::error!(municipality = %room.municipality, "cells under an older key are left");
        return Err(ApiError::new(&common::UNAVAILABLE));
    }
    room.ring.destroy_older()?;
    mark(host, room, (id, RotationState::Done), "rotated").await
}

/// Waits for acts that still hold older keys, for they may still write with them.
async fn settle(room: &Room) -> Result<(), ApiError> {
    for _ in 0..LOOKS_MAX {
        if room.ring.is_settled() {
            return Ok(());
        }
        tokio::time::sleep(UNSETTLED).await;
    }
    Err(ApiError::new(&common::UNAVAILABLE))
}

/// Every sealed column from its beginning; what is under the newest key already is passed over.
async fn reseal_all(host: &Host, room: &Room, id: Uuid) -> Result<(), ApiError> {
    let rows_max = host.ending.reseal_cells_max.max(1);
    for column in reseal::COLUMNS {
        let mut after = None;
        loop {
            let permit = host.job(Action::RunJobs, room)?;
            let (keys, from) = (room.keys()?, after.take());
            let written = room.queue.write(move |tx, _| {
                let place = (from.as_deref(), rows_max);
                let progress = reseal::page(tx, (&keys, &permit), column, place)?;
                if progress.sealed > 0 {
                    let state = (id, RotationState::Resealing);
                    store::rotation::change(tx, &permit, state, (progress.sealed, None))?;
                }
                Ok(progress.next)
            });
            after = written.await?;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// How many cells are left that the newest key has not sealed.
async fn older(host: &Host, room: &Room, permit: &Permit) -> Result<i64, ApiError> {
    let mut left = 0;
    for column in reseal::COLUMNS {
        let keys = room.keys()?;
        let count = move |tx: &mut Tx, permit: &Permit| reseal::older(tx, (&keys, permit), column);
        left += host.read("erasure.older", permit, count).await?;
    }
    Ok(left)
}

async fn mark(
    host: &Host,
    room: &Room,
    (id, state): (Uuid, RotationState),
    result: &'static str,
) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let done_at = (state == RotationState::Done).then(|| unix_ms(permit.context().at));
    room.queue
        .write(move |tx, acts| {
            store::rotation::change(tx, &permit, (id, state), (0, done_at))?;
            acts.add(entry(&permit, About::default(), result));
            Ok(())
        })
        .await
}
