//! Takes doses of a received answer into the own register, with where they came from.
//!
//! Nothing is overwritten: where the register says something else, people decide.

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::vaccination::{Provenance, Standing, Vaccination};
use domain::{Action, Completeness, InquiryId, Permit};
use room::Host;
use room::operation_log::{About, entry, unix_ms};
use room::store::inquiry::State;
use room::store::vaccination::{Held, Version};
use room::{problems as rooms, store};
use service::{ApiError, problems as common};
use wire::partition::AskAnswer;
use wire::records::{
    AdoptDoses, Adoption, AdoptionConflict, ChosenDoses, ConflictKind, DoseVersion, Missing,
};

use crate::problems::Refusal;
use crate::read::dose_version;

pub(crate) async fn adopt(
    host: &Host,
    permit: Permit,
    request: AdoptDoses,
) -> Result<Adoption, ApiError> {
    permit.expect_action(Action::AdoptRecords)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let done = room.queue.write(move |tx, acts| {
        let (subject, done) = match kept(tx, &keys, &permit, request.inquiry)? {
            Ok(kept) => (Some(kept.subject), take_in(tx, &keys, &permit, (&kept, &request))?),
            Err((subject, refusal)) => (subject, Err(refusal)),
        };
        let (inquiry, subject) = (Some(request.inquiry.0), subject.map(|id| id.0));
        let result = match &done {
            Ok(done) => format!(
                "adopted {}, already there {}, conflicts {}",
                done.adopted.len(),
                done.already_there.len(),
                done.conflicts.len()
            ),
            Err(refusal) => refusal.kind.code.to_owned(),
        };
        acts.add(entry(&permit, About { inquiry, subject, ..About::default() }, &result));
        Ok(done)
    });
    Ok(done.await??)
}

/// An answer that is still kept.
struct Kept {
    subject: SubjectId,
    answer: AskAnswer,
    provenance: Provenance,
}

type NotKept = (Option<SubjectId>, Refusal);

fn kept(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    inquiry: InquiryId,
) -> Result<Result<Kept, NotKept>, ApiError> {
    let Some(found) = store::inquiry::find(tx, keys, permit, inquiry)? else {
        return Ok(Err((None, Refusal::from(&common::NOT_FOUND))));
    };
    let (subject, provider) = (found.subject, found.provider()?);
    let at = permit.context().at;
    let at_unix_s = at.unix_timestamp();
    Ok(match found.state {
        // Its time may be over before the job that deletes it comes by.
        State::Answered(answer) if answer.expires_at_unix_ms > unix_ms(at) => {
            let provenance = Provenance::Adopted { provider, inquiry, at_unix_s };
            Ok(Kept { subject, answer, provenance })
        }
        State::Answered(_) | State::Expired => {
            Err((Some(subject), Refusal::from(&rooms::INQUIRY_EXPIRED)))
        }
        State::Begun => Err((Some(subject), Refusal::from(&common::NOT_FOUND))),
    })
}

fn take_in(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (kept, request): (&Kept, &AdoptDoses),
) -> Result<Result<Adoption, Refusal>, ApiError> {
    let Kept { subject, answer, provenance } = kept;
    let Some(chosen) = choose(&answer.vaccinations, &request.doses) else {
        return Ok(Err(Refusal::field("doses")));
    };
    let mut own = store::vaccination::newest(tx, keys, permit, subject)?;
    let mut adoption = Adoption {
        subject: subject.0,
        adopted: Vec::new(),
        already_there: Vec::new(),
        conflicts: Vec::new(),
        missing: missing(answer.completeness),
    };
    let today = day_in_japan(permit.context().at);
    for (index, received) in chosen {
        let id = keys.dose_id(subject, received.vaccine_kind.as_deref(), received.dose_number);
        let known = own.iter().find(|held| held.id == id);
        let why = match known {
            _ if received.check(today).is_err() => Some(ConflictKind::Implausible),
            Some(held) if held.version.standing == Standing::Withdrawn => {
                Some(ConflictKind::Withdrawn)
            }
            Some(held) if held.version.vaccination != *received => Some(ConflictKind::OtherContent),
            _ => None,
        };
        let known = known.map(dose_version).transpose()?;
        match (why, known) {
            (Some(why), own) => {
                adoption.conflicts.push(conflict((index, received), why, own));
            }
            (None, Some(known)) => adoption.already_there.push(known),
            (None, None) => {
                let version = Version {
                    vaccination: received.clone(),
                    provenance: provenance.clone(),
                    standing: Standing::InForce,
                };
                store::vaccination::insert(tx, keys, permit, (subject, &id, 1), &version)?;
                let held = Held { id, number: 1, version };
                adoption.adopted.push(dose_version(&held)?);
                own.push(held);
            }
        }
    }
    Ok(Ok(adoption))
}

fn conflict(
    (index, received): (usize, &Vaccination),
    why: ConflictKind,
    own: Option<DoseVersion>,
) -> AdoptionConflict {
    AdoptionConflict { index, why, received: received.clone(), own }
}

/// The chosen doses with their places, each once; `None` if there is no such place.
fn choose<'a>(
    doses: &'a [Vaccination],
    chosen: &ChosenDoses,
) -> Option<Vec<(usize, &'a Vaccination)>> {
    match chosen {
        ChosenDoses::All(_) => Some(doses.iter().enumerate().collect()),
        ChosenDoses::These(places) => {
            let mut places = places.clone();
            places.sort_unstable();
            places.dedup();
            places.into_iter().map(|place| doses.get(place).map(|dose| (place, dose))).collect()
        }
    }
}

/// What the provider's statement leaves open.
fn missing(stated: Option<Completeness>) -> Missing {
    let note = match stated {
        None => "提供元は記録がいつから揃っているかを述べていません。抜けている接種があり得ます。"
            .to_owned(),
        Some(Completeness { from, up_to, .. }) => {
            format!("提供元の記録は{from}より前と{up_to}より後の接種が抜けている場合があります。")
        }
    };
    Missing {
        stated,
        missing_before: stated.map(|stated| stated.from),
        missing_after: stated.map(|stated| stated.up_to),
        note,
    }
}
