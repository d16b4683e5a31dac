//! Staff adopt a notice in one step: the register gets new versions that say where they came from.

use crypto::RoomKeys;
use db::Tx;
use domain::vaccination::Provenance;
use domain::{Action, NoticeKind, OperatorId, Permit};
use room::change::Change;
use room::operation_log::{About, entry};
use room::shown;
use room::store::notice_in::{self, NoticeIn};
use room::store::vaccination::Held;
use room::{Host, store};
use service::{ApiError, problems as common};
use wire::notices::{AdoptNotice, AdoptedVersion, NoticeAdopted, NoticeEffect, NoticeState};

use crate::notice_problems::{NOTICE_CHANGED, NOTICE_CONFLICT};
use crate::operator;
use crate::own::{Own, Step, corrections, provenance};
use crate::problems::Refusal;

/// Adopts what the notice says, or closes it; once decided, it stays decided.
pub(crate) async fn adopt(
    host: &Host,
    permit: Permit,
    request: AdoptNotice,
) -> Result<NoticeAdopted, ApiError> {
    permit.expect_action(Action::AdoptRecords)?;
    let by = operator(&permit)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let done = room.queue.write(move |tx, acts| {
        let notice = notice_in::find(tx, &keys, &permit, request.notice)?;
        let about = About {
            subject: notice.as_ref().map(|notice| notice.subject.0),
            inquiry: notice.as_ref().map(|notice| notice.inquiry.0),
            ..About::default()
        };
        let done = match &notice {
            Some(notice) => decide(tx, &keys, &permit, (notice, &request), &by)?,
            None => Err(Refusal::from(&common::NOT_FOUND)),
        };
        let result = match &done {
            Ok(done) => format!("notice {:?}, {} versions", done.state, done.vaccinations.len()),
            Err(refusal) => refusal.kind.code.to_owned(),
        };
        acts.add(entry(&permit, about, &result));
        Ok(done)
    });
    Ok(done.await??)
}

fn decide(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (notice, request): (&NoticeIn, &AdoptNotice),
    operator: &OperatorId,
) -> Result<Result<NoticeAdopted, Refusal>, ApiError> {
    let own = Own::read(tx, keys, permit, notice.subject)?;
    if notice.state != NoticeState::Open {
        let vaccinations = adopted_by(&own, notice)?;
        return Ok(Ok(NoticeAdopted { state: notice.state, vaccinations }));
    }
    if own.tag() != request.etag {
        return Ok(Err(Refusal::from(&NOTICE_CHANGED)));
    }
    let weighed = own.weigh(keys, notice)?;
    let state = match weighed.effect {
        _ if request.keep_own => NoticeState::Kept,
        NoticeEffect::Conflict => return Ok(Err(Refusal::from(&NOTICE_CONFLICT))),
        NoticeEffect::NotHere => NoticeState::Seen,
        NoticeEffect::Fits | NoticeEffect::Same => NoticeState::Adopted,
    };
    let mut vaccinations = Vec::new();
    if state == NoticeState::Adopted {
        let new = match follow(tx, keys, permit, (own, notice, weighed.steps))? {
            Ok(new) => new,
            Err(refusal) => return Ok(Err(refusal)),
        };
        for held in new {
            let place = (&notice.subject, &held.id, held.number);
            store::vaccination::insert(tx, keys, permit, place, &held.version)?;
            let number = shown::number(held.number)?;
            vaccinations.push(AdoptedVersion { vaccination: held.id.0, version: number });
        }
        vaccinations.sort_unstable_by_key(|one| (one.vaccination, one.version));
        pass_on(tx, keys, permit, notice)?;
    }
    notice_in::close(tx, permit, (notice.id, state), Some(operator))?;
    Ok(Ok(NoticeAdopted { state, vaccinations }))
}

/// The versions that adopting brings: of what was released, also what was corrected since.
fn follow(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (mut own, notice, steps): (Own, &NoticeIn, Vec<Step>),
) -> Result<Result<Vec<Held>, Refusal>, ApiError> {
    let told = match notice.kind {
        NoticeKind::Released => corrections(tx, keys, permit, (&notice.subject, notice.sender))?,
        NoticeKind::Corrected => Vec::new(),
    };
    let mut new = Vec::new();
    for step in steps {
        let first = own.add(step, provenance(permit, notice));
        match own.catch_up(keys, permit, (first, &told))? {
            Ok(some) => new.extend(some),
            Err(_) => return Ok(Err(Refusal::from(&NOTICE_CONFLICT))),
        }
    }
    Ok(Ok(new))
}

/// Tells those to whom this room gave the dose after the notice had come.
fn pass_on(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    notice: &NoticeIn,
) -> Result<(), ApiError> {
    if notice.kind != NoticeKind::Corrected {
        return Ok(());
    }
    let change = Change { origin: notice.letter.origin, correction: notice.letter.correction()? };
    change.queue(tx, keys, permit, (&notice.subject, Some(notice.sender))).map(drop)
}

/// The versions that an earlier adoption made, for whoever asks again.
fn adopted_by(own: &Own, notice: &NoticeIn) -> Result<Vec<AdoptedVersion>, ApiError> {
    let is_its = |held: &&Held| match (&held.version.provenance, notice.kind) {
        (Provenance::Noticed { notice: by, .. }, NoticeKind::Corrected) => *by == notice.id.0,
        (Provenance::Adopted { inquiry, .. }, NoticeKind::Released) => *inquiry == notice.inquiry,
        _ => false,
    };
    let held = own.versions.iter().filter(is_its);
    let adopted = held.map(|held| {
        Ok(AdoptedVersion { vaccination: held.id.0, version: shown::number(held.number)? })
    });
    let mut adopted = adopted.collect::<Result<Vec<_>, ApiError>>()?;
    adopted.sort_unstable_by_key(|one| (one.vaccination, one.version));
    Ok(adopted)
}
