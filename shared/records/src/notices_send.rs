//! Sends the notices that wait, each until its recipient has it.
//!
//! A notice keeps its id through every retry: it stands in the provision log once, and the recipient
//! takes it in once.  A recipient that is away is tried again later and stops nobody else; one that
//! has left for good is not, and staff see that it was not told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crypto::{Purpose, RoomKeys};
use domain::{Action, IndividualNumber, MunicipalityCode, NoticeHeader, Outcome, Permit};
use room::letter::Ground;
use room::operation_log::{About, entry};
use room::store::notice_out::{self, NoticeOut, State};
use room::{Host, Room, problems as rooms, receipt, store};
use service::{ApiError, problems as common};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wire::notices::{Arrival, BrokerNotice, NOTICES, NoticeRouted, entry_of};
use wire::provision_log::{Entry, Receipt};
use wire::{Base64Bytes, CallError};

use crate::release;

/// Notices of one room that are taken up at a time.
const DUE_MAX: u16 = 100;
/// Recipients that are sent to at a time.
const AT_A_TIME_MAX: usize = 16;
const FIRST_RETRY_S: u64 = 1;

/// Runs for as long as the service lives.
pub async fn run(host: Arc<Host>) {
    let every = Duration::from_secs(host.limits.notices_every_s.max(1));
    loop {
        round(&host).await;
        tokio::time::sleep(every).await;
    }
}

async fn round(host: &Arc<Host>) {
    let places = Arc::new(Semaphore::new(AT_A_TIME_MAX));
    let mut sending = JoinSet::new();
    for room in host.open_rooms() {
        if let Err(error) = release::end_overdue(host, room).await {
            tracing::warn!(%error, "held inquiries are not looked at");
        }
        let due = match due(host, room).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "a room's notices are not sent");
                continue;
            }
        };
        let mut by_recipient: BTreeMap<MunicipalityCode, Vec<NoticeOut>> = BTreeMap::new();
        for notice in due {
            by_recipient.entry(notice.recipient).or_default().push(notice);
        }
        for notices in by_recipient.into_values() {
            let (host, room, places) = (Arc::clone(host), Arc::clone(room), Arc::clone(&places));
            sending.spawn(async move {
                let _place = places.acquire().await;
                send_all(&host, &room, notices).await;
            });
        }
    }
    while sending.join_next().await.is_some() {}
}

async fn due(host: &Host, room: &Room) -> Result<Vec<NoticeOut>, ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let (keys, now) = (room.keys()?, host.now_unix_ms());
    let read =
        move |tx: &mut db::Tx, permit: &Permit| notice_out::due(tx, &keys, permit, (now, DUE_MAX));
    host.read("partition.notices-due", &permit, read).await
}

/// In their order; the first that does not arrive puts off the rest.
async fn send_all(host: &Host, room: &Room, notices: Vec<NoticeOut>) {
    for notice in notices {
        let is_sent = send(host, room, &notice).await;
        let kept = match &is_sent {
            Ok(true) => continue,
            Ok(false) => put_off(host, room, &notice, PutOff::One).await,
            Err(error) => {
                let recipient = notice.recipient;
                tracing::warn!(%error, %recipient, "a notice is tried again later");
                put_off(host, room, &notice, PutOff::Recipient).await
            }
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "a notice is tried again at once");
        }
        if is_sent.is_err() {
            return;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PutOff {
    One,
    Recipient,
}

async fn put_off(
    host: &Host,
    room: &Room,
    notice: &NoticeOut,
    which: PutOff,
) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let tries = notice.tries.saturating_add(1);
    let doublings = u32::try_from(notice.tries).unwrap_or(0).min(20);
    let wait_s = (FIRST_RETRY_S << doublings).min(host.limits.notice_retry_s_max);
    let wait_ms = i64::try_from(wait_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let next_try = host.now_unix_ms().saturating_add(wait_ms);
    let (id, recipient) = (notice.id, notice.recipient);
    room.queue
        .write(move |tx, _| match which {
            PutOff::One => notice_out::put_off_one(tx, &permit, id, (next_try, tries)),
            PutOff::Recipient => notice_out::put_off(tx, &permit, recipient, (next_try, tries)),
        })
        .await
}

/// Sends one; `false` if it cannot go yet, for its inquiry has not ended.
async fn send(host: &Host, room: &Room, notice: &NoticeOut) -> Result<bool, ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    // Nobody has its code any more, says the signed directory; a room without keys is only away.
    if host.directory()?.current(notice.recipient, host.clock.now()).is_none() {
        return keep(room, permit, notice, (State::Gone, None)).await.map(|()| true);
    }
    let (keys, subject) = (room.keys()?, notice.subject);
    let (number_keys, wanted) = (Arc::clone(&keys), subject);
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        store::subject::number_of(tx, &number_keys, permit, wanted)
    };
    let number = host.read("partition.notice-number", &permit, read).await?;
    let entry = match ground(host, &permit, notice).await? {
        Grounded::On(entry) if number.is_some() => entry,
        Grounded::Later if number.is_some() => return Ok(false),
        _ => return keep(room, permit, notice, (State::Void, None)).await.map(|()| true),
    };
    let number = number.ok_or_else(|| ApiError::new(&common::INTERNAL))?;
    if notice.inquiry.is_none() {
        let (id, inquiry, permit) = (notice.id, entry.inquiry, permit.clone());
        room.queue.write(move |tx, _| notice_out::set_inquiry(tx, &permit, id, inquiry)).await?;
    }
    let message = write(host, &keys, notice, (entry, &number))?;
    let request = &permit.context().request;
    let routed: Result<NoticeRouted, CallError> =
        host.broker.post(NOTICES, request, None, &message).await;
    let NoticeRouted { receipt, arrival } = routed.map_err(ApiError::relay)?;
    let logged = receipt::proven(host, &receipt);
    let is_ours = logged.is_some_and(|logged| {
        let at = logged.decided_at_unix_ms;
        logged == entry_of(&message.header, message.commitment.clone(), at)
    });
    if !is_ours {
        return Err(ApiError::new(&rooms::BAD_ANSWER));
    }
    let state = match arrival {
        Arrival::Delivered => State::Delivered,
        Arrival::Away => State::Logged,
        Arrival::Gone => State::Gone,
    };
    keep(room, permit, notice, (state, Some(receipt))).await?;
    if state == State::Logged { Err(ApiError::new(&common::UNAVAILABLE)) } else { Ok(true) }
}

/// By which inquiry a notice may go.
enum Grounded {
    On(Box<Entry>),
    /// None has ended yet by which the recipient could have received the dose.
    Later,
    /// All of them ended with nothing: there is nothing to correct.
    Never,
}

/// Looks in the provision log for an inquiry by which the recipient received the dose.
async fn ground(host: &Host, permit: &Permit, notice: &NoticeOut) -> Result<Grounded, ApiError> {
    let grounds = &notice.outbound.grounds;
    let wanted: Vec<Ground> = match notice.inquiry {
        Some(fixed) => grounds.iter().copied().filter(|one| one.inquiry == fixed).collect(),
        None => grounds.clone(),
    };
    let ids: Vec<_> = wanted.iter().map(|one| one.inquiry).collect();
    let mut ended = receipt::find(host, permit, &ids).await?;
    let is_all_ended = ids.iter().all(|id| ended.contains_key(id));
    for one in &wanted {
        let Some((entry, _)) = ended.remove(&one.inquiry) else { continue };
        let is_received = entry.outcome == Outcome::Provided || one.released;
        let is_theirs =
            entry.provider == permit.municipality() && entry.inquirer == notice.recipient;
        if is_received && is_theirs {
            return Ok(Grounded::On(Box::new(entry)));
        }
    }
    Ok(if is_all_ended { Grounded::Never } else { Grounded::Later })
}

/// Seals the letter to the recipient and signs the whole.
fn write(
    host: &Host,
    keys: &RoomKeys,
    notice: &NoticeOut,
    (entry, number): (Box<Entry>, &IndividualNumber),
) -> Result<BrokerNotice, ApiError> {
    let now = host.clock.now().unix_timestamp();
    let header = NoticeHeader {
        notice: notice.id,
        kind: notice.kind,
        inquiry: entry.inquiry,
        inquirer: entry.inquirer,
        provider: entry.provider,
        procedure: entry.procedure,
        legal_basis: entry.legal_basis,
        items: entry.items,
        operator: notice.outbound.operator.clone(),
        terminal: notice.outbound.terminal.clone(),
        asked_at_unix_s: entry.asked_at_unix_s,
        sent_at_unix_s: now,
    };
    let letter = &notice.outbound.letter;
    let commitment = letter.commit(number)?;
    let directory = host.directory()?;
    let recipient = directory.member(notice.recipient);
    let key = recipient.and_then(|member| member.sealing_key(now));
    let key = key.ok_or_else(|| ApiError::new(&common::UNAVAILABLE))?;
    let sealed = crypto::seal_notice(key, &header.to_signed_bytes(), &letter.write()?)?;
    let signed = BrokerNotice::signed_bytes(&header, &commitment.0, &sealed);
    let signature = keys.sign(Purpose::Notice, &signed);
    Ok(BrokerNotice {
        header,
        commitment,
        sealed: Base64Bytes(sealed),
        signature: Base64Bytes(signature.to_bytes().to_vec()),
    })
}

/// Keeps how far the notice has come, with a line if that is news.
async fn keep(
    room: &Room,
    permit: Permit,
    notice: &NoticeOut,
    (state, receipt): (State, Option<Receipt>),
) -> Result<(), ApiError> {
    let (keys, id) = (room.keys()?, notice.id);
    let (kind, subject) = (notice.kind.as_str(), notice.subject.0);
    let inquiry = notice.inquiry.map(|id| id.0);
    room.queue
        .write(move |tx, acts| {
            let moved = notice_out::set_state(tx, &keys, &permit, (id, state), receipt.as_ref())?;
            if moved {
                let about =
                    About { purpose: format!("notice {kind}"), subject: Some(subject), inquiry };
                acts.add(entry(&permit, about, word(state)));
            }
            Ok(())
        })
        .await
}

fn word(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Logged => "notice on record",
        State::Delivered => "notice delivered",
        State::Void => "notice not needed",
        State::Gone => "notice not delivered: the recipient has left",
    }
}
