//! Jobs on schedule: goes on with what has begun, and proposes what has expired.  Nothing is erased
//! by a clock.

use std::sync::Arc;
use std::time::Duration;

use db::Tx;
use domain::{Action, Permit};
use room::operation_log::{About, entry, unix_ms};
use room::{Host, Room};
use service::ApiError;
use uuid::Uuid;
use wire::erasure::ErasureState;

use crate::propose::{RETENTION, is_held, propose_expired};
use crate::store::personal;
use crate::store::proposal::Proposal;
use crate::{close, retention, rotate, store};

/// What could not be gone on with is tried again after this long.
const AGAIN: Duration = Duration::from_secs(2);
/// How long what is nobody's record is kept after it was dealt with.
const SPENT_MS: i64 = 400 * 24 * 60 * 60 * 1_000;
/// Whether new keys are due is looked at this often at the least.
const LOOK_S_MAX: u64 = 60;

/// Runs for as long as the service lives.
pub async fn run(host: Arc<Host>) {
    for municipality in host.rooms.keys() {
        host.endings.ask(*municipality);
    }
    tokio::join!(go_on(Arc::clone(&host)), retain_all(&host), rotate_all(&host));
}

/// Goes on with rotations and closings, also with those that a crash has stopped.
async fn go_on(host: Arc<Host>) {
    loop {
        let municipality = host.endings.next().await;
        let done = match host.room(municipality) {
            Ok(room) => step(&host, &room).await,
            // Closed: nothing is left to be done.
            Err(_) => Ok(()),
        };
        host.endings.done(municipality);
        if let Err(error) = done {
            tracing::warn!(code = error.kind().code, %municipality, "ending not gone on with");
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                tokio::time::sleep(AGAIN).await;
                host.endings.ask(municipality);
            });
        }
    }
}

async fn step(host: &Host, room: &Room) -> Result<(), ApiError> {
    close::go_on(host, room).await?;
    if room.is_closed() {
        return Ok(());
    }
    rotate::go_on(host, room).await
}

/// Looks for records whose time is over.
async fn retain_all(host: &Host) {
    let every = Duration::from_secs(host.ending.retention_every_s.max(1));
    loop {
        for room in host.open_rooms() {
            let looked = async {
                retain(host, room).await?;
                delete_spent(host, room).await
            };
            if let Err(error) = looked.await {
                let code = error.kind().code;
                tracing::warn!(code, municipality = %room.municipality, "retention not looked at");
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// Looks for rooms whose keys are to change because something was erased.
async fn rotate_all(host: &Host) {
    let ending = &host.ending;
    let every_s = ending.rotate_after_erasure_s.min(ending.retention_every_s);
    let every = Duration::from_secs(every_s.clamp(1, LOOK_S_MAX));
    loop {
        for room in host.open_rooms() {
            if let Err(error) = rotate_after_erasure(host, room).await {
                let code = error.kind().code;
                tracing::warn!(code, municipality = %room.municipality, "rotation not looked at");
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// Proposes the doses whose time is over, unless the same are proposed already.
async fn retain(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let expired = retention::expired(host, room, &permit).await?;
    let (stands, stale) = host.read("erasure.open", &permit, open).await?;
    if !stale.is_empty() {
        forget(host, room, stale).await?;
    }
    if stands || expired.is_empty() {
        return Ok(());
    }
    propose_expired(room, permit, expired).await
}

/// Whether a proposal of the job waits for people, and those that no longer fit: what is held by
/// now must not keep the rest from being proposed.
fn open(tx: &mut Tx, permit: &Permit) -> Result<(bool, Vec<Proposal>), ApiError> {
    let (mut stands, mut stale) = (false, Vec::new());
    for proposal in store::proposal::open(tx, permit)? {
        if proposal.proposed_by != RETENTION {
            continue;
        }
        let whose = proposal.scope.whose();
        let is_whole = personal::set(tx, permit, &whose)? == proposal.set;
        let fits = is_whole && !is_held(tx, permit, &proposal.scope, &whose)?;
        if fits { stands = true } else { stale.push(proposal) }
    }
    Ok((stands, stale))
}

async fn forget(host: &Host, room: &Room, stale: Vec<Proposal>) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    room.queue
        .write(move |tx, acts| {
            for proposal in &stale {
                let known = store::proposal::find(tx, &permit, proposal.id)?;
                let Some(mut known) = known.filter(Proposal::is_open) else { continue };
                known.state = ErasureState::Void;
                known.ended_at_unix_ms = Some(unix_ms(permit.context().at));
                store::proposal::change(tx, &permit, &known)?;
            }
            acts.add(entry(&permit, About::default(), "proposal void"));
            Ok(())
        })
        .await
}

/// Deletes what is nobody's record and has served its purpose.
async fn delete_spent(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let before = unix_ms(permit.context().at).saturating_sub(SPENT_MS);
    room.queue
        .write(move |tx, acts| {
            let rows = store::spent::delete(tx, &permit, before)?;
            if rows > 0 {
                acts.add(entry(&permit, About::default(), &format!("spent: {rows} rows deleted")));
            }
            Ok(())
        })
        .await
}

/// Begins a rotation when the last erasure is long enough ago and none has followed it.
async fn rotate_after_erasure(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let read = |tx: &mut Tx, permit: &Permit| {
        let erased = store::proposal::last_erased_at(tx, permit)?;
        Ok((erased, store::rotation::last_begun_at(tx, permit)?))
    };
    let (erased, begun) = host.read("erasure.due", &permit, read).await?;
    let wait_ms = i64::try_from(host.ending.rotate_after_erasure_s).unwrap_or(i64::MAX);
    let wait_ms = wait_ms.saturating_mul(1_000);
    let now = unix_ms(permit.context().at);
    let is_due = erased.is_some_and(|erased| {
        begun.is_none_or(|begun| begun <= erased) && erased.saturating_add(wait_ms) <= now
    });
    if is_due {
        rotate::begin(room, permit, (Uuid::new_v4(), RETENTION.to_owned())).await?;
        host.endings.ask(room.municipality);
    }
    Ok(())
}
