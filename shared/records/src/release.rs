//! Two persons let a withheld record go: exactly the bytes that both have seen, or nothing.

use std::sync::Arc;

use crypto::RoomKeys;
use db::Tx;
use domain::subject::SubjectId;
use domain::{Action, NoticeKind, OperatorId, Permit};
use room::change;
use room::letter::{Ground, Letter};
use room::operation_log::{About, entry, unix_ms};
use room::store::held::{self, Held, Proposal};
use room::{Host, Room, store};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::Base64Bytes;
use wire::notices::{
    HeldContent, HeldDecided, HeldInquiries, HeldInquiry, HeldState, ListHeld, NOTICES_LIMIT_MAX,
    NameHeld, ReleaseHeld,
};
use zeroize::Zeroizing;

use crate::notice_problems::{
    HELD_CHANGED, HELD_DECIDED, NOTHING_TO_RELEASE, SECOND_PERSON_NEEDED, USE_STOPPED,
};
use crate::operator;
use crate::problems::Refusal;

/// Inquiries of one room whose time is ended at a time.
const OVERDUE_MAX: u16 = 100;

/// Lists the inquiries about withheld persons.
pub(crate) async fn list(
    host: &Host,
    permit: Permit,
    request: ListHeld,
) -> Result<HeldInquiries, ApiError> {
    permit.expect_action(Action::ReviewHeld)?;
    if !(1..=NOTICES_LIMIT_MAX).contains(&request.limit) {
        return Err(ApiError::field("limit"));
    }
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let read = move |tx: &mut Tx, permit: &Permit| held::list(tx, &keys, permit, &request);
    let found = host.read("partition.held", &permit, read).await?;
    let result = format!("{} held inquiries shown", found.len());
    room.queue.add(entry(&permit, About::default(), &result)).await?;
    let held_ms = held_ms_max(host);
    Ok(HeldInquiries { held: found.into_iter().map(|one| show_head(one, held_ms)).collect() })
}

fn show_head(one: Held, held_ms: i64) -> HeldInquiry {
    HeldInquiry {
        inquiry: one.inquiry,
        inquirer: one.inquirer,
        procedure: one.procedure,
        legal_basis: one.legal_basis,
        subject: one.subject.0,
        held_at_unix_ms: one.held_at_unix_ms,
        expires_at_unix_ms: one.held_at_unix_ms.saturating_add(held_ms),
        state: one.state,
        proposed_by: one.proposal.map(|proposal| proposal.by.to_string()),
        decided_by: one.decided_by,
    }
}

/// Shows exactly what would be released.
pub(crate) async fn show(
    host: &Host,
    permit: Permit,
    request: NameHeld,
) -> Result<HeldContent, ApiError> {
    permit.expect_action(Action::ReviewHeld)?;
    let room = host.room(permit.municipality())?;
    let (keys, held_ms) = (room.keys()?, held_ms_max(host));
    let shown = room.queue.write(move |tx, acts| {
        let found = held::find(tx, &keys, &permit, request.inquiry)?;
        let (about, pending) = pending(&permit, found, held_ms);
        let shown = match pending {
            Ok(one) => Ok(content(tx, &keys, &permit, one.subject)?),
            Err(refusal) => Err(refusal),
        };
        let result = shown.as_ref().map_or_else(|refusal| refusal.kind.code, |_| "shown");
        acts.add(entry(&permit, about, result));
        Ok(shown)
    });
    let content = shown.await??;
    let digest = Base64Bytes(crypto::sha256(content.as_bytes()).to_vec());
    Ok(HeldContent { inquiry: request.inquiry, content: content.to_string(), digest })
}

/// The first person proposes, a second one confirms the same bytes.
pub(crate) async fn release(
    host: &Host,
    permit: Permit,
    request: ReleaseHeld,
) -> Result<HeldDecided, ApiError> {
    permit.expect_action(Action::ReleaseHeld)?;
    let by = operator(&permit)?;
    let room = host.room(permit.municipality())?;
    let (keys, held_ms) = (room.keys()?, held_ms_max(host));
    let done = room.queue.write(move |tx, acts| {
        let found = held::find(tx, &keys, &permit, request.inquiry)?;
        let is_released = found.as_ref().is_some_and(|one| {
            one.state == HeldState::Released && one.decided_by.as_deref() == Some(by.as_str())
        });
        let (about, pending) = pending(&permit, found, held_ms);
        let done = match pending {
            Ok(one) => step(tx, &keys, &permit, (&one, &request), &by)?,
            // The second person's call again.
            Err(_) if is_released => Ok(HeldState::Released),
            Err(refusal) => Err(refusal),
        };
        let result = match &done {
            Ok(HeldState::Released) => "released",
            Ok(_) => "release proposed",
            Err(refusal) => refusal.kind.code,
        };
        acts.add(entry(&permit, about, result));
        Ok(done)
    });
    Ok(HeldDecided { state: done.await?? })
}

/// Refuses: the inquiry stays answered with nothing.
pub(crate) async fn refuse(
    host: &Host,
    permit: Permit,
    request: NameHeld,
) -> Result<HeldDecided, ApiError> {
    permit.expect_action(Action::ReleaseHeld)?;
    let by = operator(&permit)?;
    let room = host.room(permit.municipality())?;
    let (keys, held_ms) = (room.keys()?, held_ms_max(host));
    let done = room.queue.write(move |tx, acts| {
        let found = held::find(tx, &keys, &permit, request.inquiry)?;
        let is_refused = found.as_ref().is_some_and(|one| one.state == HeldState::Refused);
        let (about, pending) = pending(&permit, found, held_ms);
        let done = match pending {
            Ok(one) => {
                held::decide(tx, &permit, (one.inquiry, HeldState::Refused), Some(&by))?;
                Ok(())
            }
            Err(_) if is_refused => Ok(()),
            Err(refusal) => Err(refusal),
        };
        let result = done.as_ref().map_or_else(|refusal| refusal.kind.code, |()| "refused");
        acts.add(entry(&permit, about, result));
        Ok(done)
    });
    done.await??;
    Ok(HeldDecided { state: HeldState::Refused })
}

/// What nobody decided on in time is not released; it stays in the list, as such.
pub(crate) async fn end_overdue(host: &Host, room: &Arc<Room>) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let before = host.now_unix_ms().saturating_sub(held_ms_max(host));
    let read = move |tx: &mut Tx, permit: &Permit| held::overdue(tx, permit, (before, OVERDUE_MAX));
    let overdue = host.read("partition.held-overdue", &permit, read).await?;
    if overdue.is_empty() {
        return Ok(());
    }
    room.queue
        .write(move |tx, acts| {
            for inquiry in &overdue {
                if held::decide(tx, &permit, (*inquiry, HeldState::TimedOut), None)? {
                    let about = About { inquiry: Some(inquiry.0), ..About::default() };
                    acts.add(entry(&permit, about, "timed out: not released"));
                }
            }
            Ok(())
        })
        .await
}

fn held_ms_max(host: &Host) -> i64 {
    i64::try_from(host.limits.held_s_max.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// The held inquiry, if it may still be decided on; a late one may not, whether or not its end is
/// written down.
fn pending(permit: &Permit, found: Option<Held>, held_ms: i64) -> (About, Result<Held, Refusal>) {
    let Some(one) = found else {
        return (About::default(), Err(Refusal::from(&common::NOT_FOUND)));
    };
    let about = About {
        purpose: format!("{} {}", one.procedure, one.legal_basis),
        subject: Some(one.subject.0),
        inquiry: Some(one.inquiry.0),
    };
    let is_late = one.held_at_unix_ms.saturating_add(held_ms) <= unix_ms(permit.context().at);
    if one.state != HeldState::Pending || is_late {
        return (about, Err(Refusal::from(&HELD_DECIDED)));
    }
    (about, Ok(one))
}

/// The exact text that would be released now.
fn content(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: SubjectId,
) -> Result<Zeroizing<String>, ApiError> {
    let doses = store::vaccination::list(tx, keys, permit, &subject)?;
    let text = serde_json::to_string(&doses).map_err(|_| store::broken_row())?;
    Ok(Zeroizing::new(text))
}

fn step(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (one, request): (&Held, &ReleaseHeld),
    by: &OperatorId,
) -> Result<Result<HeldState, Refusal>, ApiError> {
    let person = store::subject::find(tx, keys, permit, one.subject)?;
    if person.is_some_and(|person| person.subject.flags.stopped) {
        return Ok(Err(Refusal::from(&USE_STOPPED)));
    }
    let text = content(tx, keys, permit, one.subject)?;
    let digest = crypto::sha256(text.as_bytes()).to_vec();
    let is_seen = request.digest.0 == digest;
    let is_same = one.proposal.as_ref().is_none_or(|proposal| proposal.digest == digest);
    if !is_seen || !is_same {
        held::propose(tx, keys, permit, one.inquiry, None)?;
        return Ok(Err(Refusal::from(&HELD_CHANGED)));
    }
    if text.as_str() == "[]" {
        return Ok(Err(Refusal::from(&NOTHING_TO_RELEASE)));
    }
    match &one.proposal {
        None => {
            let proposal = Proposal { by: by.clone(), digest };
            held::propose(tx, keys, permit, one.inquiry, Some(&proposal))?;
            Ok(Ok(HeldState::Pending))
        }
        Some(proposal) if proposal.by == *by => Ok(Err(Refusal::from(&SECOND_PERSON_NEEDED))),
        Some(_) => {
            held::decide(tx, permit, (one.inquiry, HeldState::Released), Some(by))?;
            let letter = Letter::new(text.to_string(), Uuid::now_v7())?;
            let ground = Ground { inquiry: one.inquiry, released: true };
            let what = (NoticeKind::Released, letter, vec![ground]);
            change::insert(tx, keys, permit, (one.subject, one.inquirer), what)?;
            Ok(Ok(HeldState::Released))
        }
    }
}
