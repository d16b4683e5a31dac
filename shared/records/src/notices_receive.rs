//! Takes a notice of another municipality in: believed only with signature, proof and commitment,
//! and only about an inquiry that this room made itself.

use crypto::{Purpose, Signature};
use db::Tx;
use domain::{Action, NoticeHeader, NoticeKind, OpContext, Permit, authorize};
use room::change::Change;
use room::letter::Letter;
use room::operation_log::{About, conclude, entry, unix_ms};
use room::store::notice_in::{self, NoticeIn};
use room::{Host, Room, problems as rooms, receipt, store};
use service::ApiError;
use uuid::Uuid;
use wire::notices::{BrokerNotice, NoticeReceived, NoticeState, ReceiveNotice, entry_of};
use wire::provision_log::Receipt;

use crate::notice_problems::NOTICE_REFUSED;

pub(crate) async fn receive(
    host: &Host,
    context: &OpContext,
    request: ReceiveNotice,
) -> Result<NoticeReceived, ApiError> {
    let recipient = request.notice.header.inquirer;
    let permit = authorize(context, Action::ReceiveNotice, recipient)?;
    let ended = || host.has_ended(recipient).then(|| ApiError::new(&rooms::ROOM_ENDED));
    let room = host.room(recipient).map_err(|closed| ended().unwrap_or(closed))?;
    let notice = request.notice.header.notice;
    // A refusal names the inquiry, never a person.
    let inquiry = Some(request.notice.header.inquiry.0);
    let taken = take_in(host, &room, &permit, request).await;
    conclude(&room, &permit, About { inquiry, ..About::default() }, taken).await?;
    Ok(NoticeReceived { notice })
}

async fn take_in(
    host: &Host,
    room: &Room,
    permit: &Permit,
    ReceiveNotice { notice, receipt }: ReceiveNotice,
) -> Result<(), ApiError> {
    let keys = room.keys()?;
    check(host, permit, &notice, &receipt)?;
    let refused = || ApiError::new(&NOTICE_REFUSED);
    let context = notice.header.to_signed_bytes();
    let plain = crypto::open_notice(&keys, &context, &notice.sealed.0).map_err(|_| refused())?;
    let letter = Letter::read(&plain).map_err(|_| refused())?;
    let permit = permit.clone();
    let is_taken = room
        .queue
        .write(move |tx, acts| {
            let about = |subject| About {
                purpose: format!("notice {}", notice.header.kind.as_str()),
                subject,
                inquiry: Some(notice.header.inquiry.0),
            };
            let read = addressed(tx, &keys, &permit, (&notice, &letter))?;
            let Some(read) = read else {
                acts.add(entry(&permit, about(None), NOTICE_REFUSED.code));
                return Ok(false);
            };
            let result = read.keep(tx, &keys, &permit, (&notice, &letter, &receipt))?;
            acts.add(entry(&permit, about(Some(read.subject.0)), result));
            Ok(result != NOTICE_REFUSED.code)
        })
        .await?;
    is_taken.then_some(()).ok_or_else(refused)
}

/// Everything that can be checked without the room's records.
fn check(
    host: &Host,
    permit: &Permit,
    notice: &BrokerNotice,
    receipt: &Receipt,
) -> Result<(), ApiError> {
    let refused = || ApiError::new(&NOTICE_REFUSED);
    let BrokerNotice { header, commitment, sealed, signature } = notice;
    let now_unix_s = permit.context().at.unix_timestamp();
    let age_s = now_unix_s.saturating_sub(header.sent_at_unix_s);
    if !header.is_well_formed() || age_s.saturating_abs() > host.limits.clock_s_max {
        return Err(refused());
    }
    let directory = host.directory()?;
    let sender = directory.member(header.provider).ok_or_else(refused)?;
    let signature = Signature::try_from(signature.0.as_slice()).map_err(|_| refused())?;
    let signed = BrokerNotice::signed_bytes(header, &commitment.0, &sealed.0);
    if !sender.has_signed(now_unix_s, (Purpose::Notice, &signed), &signature) {
        return Err(refused());
    }
    // The log must say what was signed.
    let logged = receipt::proven(host, receipt).ok_or_else(refused)?;
    let expected = entry_of(header, commitment.clone(), logged.decided_at_unix_ms);
    if logged == expected { Ok(()) } else { Err(refused()) }
}

/// A letter that speaks of a person about whom this room had asked its sender.
struct Addressed {
    subject: domain::subject::SubjectId,
    change: Option<Change>,
}

fn addressed(
    tx: &mut Tx,
    keys: &crypto::RoomKeys,
    permit: &Permit,
    (notice, letter): (&BrokerNotice, &Letter),
) -> Result<Option<Addressed>, ApiError> {
    let header = &notice.header;
    let asked = store::inquiry::find(tx, keys, permit, header.inquiry)?;
    let Some(asked) = asked.filter(|asked| asked.is_of(header)) else { return Ok(None) };
    let subject = asked.subject;
    let Some(number) = store::subject::number_of(tx, keys, permit, subject)? else {
        return Ok(None);
    };
    if letter.commit(&number).ok().as_ref() != Some(&notice.commitment) {
        return Ok(None);
    }
    let (origin, correction, doses) = (letter.origin, letter.correction(), letter.doses());
    Ok(match (header.kind, correction, doses) {
        (NoticeKind::Corrected, Ok(correction), _) => {
            Some(Addressed { subject, change: Some(Change { origin, correction }) })
        }
        (NoticeKind::Released, _, Ok(_)) => Some(Addressed { subject, change: None }),
        _ => None,
    })
}

impl Addressed {
    /// Keeps the notice, and tells those to whom this room passed the dose on; returns the result
    /// for the operation log.
    fn keep(
        &self,
        tx: &mut Tx,
        keys: &crypto::RoomKeys,
        permit: &Permit,
        (notice, letter, receipt): (&BrokerNotice, &Letter, &Receipt),
    ) -> Result<&'static str, ApiError> {
        let header = &notice.header;
        if let Some(known) = notice_in::find(tx, keys, permit, header.notice)? {
            let is_same = known.letter == *letter
                && known.sender == header.provider
                && known.inquiry == header.inquiry;
            return Ok(if is_same { "received again" } else { NOTICE_REFUSED.code });
        }
        let told = notice_in::of_subject(tx, keys, permit, &self.subject)?;
        let is_again = self.is_told(&told, letter.origin)?
            || store::notice_out::is_origin(tx, permit, letter.origin)?;
        let mut is_late = false;
        if let (Some(change), false) = (&self.change, is_again) {
            is_late = supersede(tx, permit, &told, (change, header))?;
            // Whoever has it from this room hears of the later change.
            if !is_late {
                change.queue(tx, keys, permit, (&self.subject, Some(header.provider)))?;
            }
        }
        let state = match (is_again, is_late) {
            (true, _) => NoticeState::Again,
            (false, true) => NoticeState::Superseded,
            (false, false) => NoticeState::Open,
        };
        let incoming = NoticeIn {
            id: header.notice,
            sender: header.provider,
            subject: self.subject,
            kind: header.kind,
            inquiry: header.inquiry,
            state,
            letter: letter.clone(),
            log_index: receipt.index,
            received_at_unix_ms: unix_ms(permit.context().at),
        };
        notice_in::insert(tx, keys, permit, &incoming, receipt)?;
        Ok(if is_again { "received by another way" } else { "received" })
    }

    /// Whether notices that came before have told all of this: by another way the same change may
    /// speak of a version that came by that way only.
    fn is_told(&self, told: &[NoticeIn], origin: Uuid) -> Result<bool, ApiError> {
        let Some(Change { correction, .. }) = &self.change else { return Ok(false) };
        let mut earlier = Vec::new();
        let mut same = told.iter().filter(|one| one.letter.origin == origin).peekable();
        let is_known = same.peek().is_some();
        for one in same {
            earlier.extend(one.letter.correction()?.earlier);
        }
        Ok(is_known && correction.earlier.iter().all(|dose| earlier.contains(dose)))
    }
}

/// Closes open notices of the same sender that this one goes on from; `true` if a known one goes on
/// from this one, which was late.
fn supersede(
    tx: &mut Tx,
    permit: &Permit,
    told: &[NoticeIn],
    (change, header): (&Change, &NoticeHeader),
) -> Result<bool, ApiError> {
    let mut is_late = false;
    for one in told {
        if one.kind != NoticeKind::Corrected || one.sender != header.provider {
            continue;
        }
        let origin = one.letter.origin;
        let known = Change { origin, correction: one.letter.correction()? };
        is_late |= known.goes_on_from(change);
        if one.state == NoticeState::Open && change.goes_on_from(&known) {
            notice_in::close(tx, permit, (one.id, NoticeState::Superseded), None)?;
        }
    }
    Ok(is_late)
}
