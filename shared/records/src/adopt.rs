//! Takes doses of a received answer into the own register, with where they came from.
//!
//! Nothing is overwritten: where the register says something else, people decide.  What the provider
//! has corrected since it answered is taken in too: an old answer brings no mistake back.

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::vaccination::{Provenance, Standing, Vaccination};
use domain::{Action, Completeness, InquiryId, MunicipalityCode, Permit};
use room::Host;
use room::operation_log::{About, entry, unix_ms};
use room::shown::dose_version;
use room::store::inquiry::State;
use room::store::vaccination::{Held, Version};
use room::{problems as rooms, store};
use service::{ApiError, problems as common};
use wire::partition::AskAnswer;
use wire::records::{
    AdoptDoses, Adoption, AdoptionConflict, ChosenDoses, ConflictKind, DoseVersion, Missing,
};

use crate::own::{Own, Step, corrections};
use crate::problems::Refusal;

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
    provider: MunicipalityCode,
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
            Ok(Kept { subject, provider, answer, provenance })
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
    let Kept { subject, provider, answer, provenance } = kept;
    let Some(chosen) = choose(&answer.vaccinations, &request.doses) else {
        return Ok(Err(Refusal::field("doses")));
    };
    let mut own = Own::read(tx, keys, permit, *subject)?;
    let told = corrections(tx, keys, permit, (subject, *provider))?;
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
        let known = own.newest.iter().find(|held| held.id == id);
        let is_again = own.versions.iter().any(|held| {
            let Version { vaccination, provenance: from, .. } = &held.version;
            held.id == id && vaccination == received && is_of(from, request.inquiry)
        });
        let why = match known {
            _ if received.check(today).is_err() => Some(ConflictKind::Implausible),
            // It was taken in before; what came after it stays.
            Some(_) if is_again => None,
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
                let (vaccination, standing) = (received.clone(), Standing::InForce);
                let mut after = own.clone();
                let first = Step { id, number: 1, vaccination, standing };
                let first = after.add(first, provenance.clone());
                match after.catch_up(keys, permit, (first, &told))? {
                    Ok(new) => {
                        adoption.adopted.extend(write(tx, keys, permit, (&after, &new))?);
                        own = after;
                    }
                    Err(other) => {
                        let other = own.newest.iter().find(|one| one.version.vaccination == other);
                        let (why, own) = (ConflictKind::OtherContent, other.map(dose_version));
                        let own = own.transpose()?;
                        adoption.conflicts.push(conflict((index, received), why, own));
                    }
                }
            }
        }
    }
    Ok(Ok(adoption))
}

fn is_of(provenance: &Provenance, asked: InquiryId) -> bool {
    matches!(provenance, Provenance::Adopted { inquiry, .. } if *inquiry == asked)
}

/// Writes these versions; returns the doses as they are then.
fn write(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (own, new): (&Own, &[Held]),
) -> Result<Vec<DoseVersion>, ApiError> {
    for held in new {
        let place = (&own.subject, &held.id, held.number);
        store::vaccination::insert(tx, keys, permit, place, &held.version)?;
    }
    let is_new = |held: &&Held| new.iter().any(|new| new.id == held.id);
    own.newest.iter().filter(is_new).map(dose_version).collect()
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
