//! The municipality's own systems send doses, many at once, and read them back.
//!
//! A history key names one version of a dose, as `If-Match` does: what was superseded meanwhile is
//! refused, so a system never overwrites what staff have corrected.  Sent again, an item changes
//! nothing.

use std::collections::BTreeMap;

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::vaccination::{InvalidVaccination, Provenance, Standing, Vaccination};
use domain::{Action, AddressNumber, Permit};
use room::Host;
use room::operation_log::{About, entry};
use room::store::vaccination::Version;
use room::{problems as rooms, store};
use service::{ApiError, problems as common};
use wire::pmh::{
    BasicFiveInfo, FoundVaccination, FoundVaccinations, ITEMS_MAX, ModificationSeg,
    SearchVaccinations, SendVaccinations, SentEnd, SentResult, SentVaccination, VaccinationsSent,
};
use wire::records::RecordSource;

use crate::correct::{Change, provenance};
use crate::problems::{self, Refusal};
use crate::tag::Tag;

/// One item, as far as it can be judged without the register.
enum Item {
    New { person: AddressNumber, dose: Vaccination },
    Change { person: AddressNumber, tag: Tag, dose: Option<Vaccination>, why: Provenance },
    Refused(Refusal),
}

/// What an item came to: the version that counts now, or why not.
type End = Result<(SentEnd, Tag), Refusal>;

pub(crate) async fn send(
    host: &Host,
    permit: Permit,
    request: SendVaccinations,
) -> Result<VaccinationsSent, ApiError> {
    permit.expect_action(Action::CorrectVaccination)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    if request.vaccinations.is_empty() || request.vaccinations.len() > ITEMS_MAX {
        return Err(ApiError::field("vaccinations"));
    }
    let items = request.vaccinations.into_iter();
    let items: Vec<Item> =
        items.map(|item| read(&permit, item).unwrap_or_else(Item::Refused)).collect();
    let source = Provenance::registered(permit.context());
    let source = source.ok_or_else(|| ApiError::new(&common::DENIED))?;
    let ends = room.queue.write(move |tx, acts| {
        let run = |item: &Item| item.run(tx, (&keys, &permit), &source);
        let ends = items.iter().map(run).collect::<Result<Vec<End>, ApiError>>()?;
        acts.add(entry(&permit, About::default(), &summary(&ends)));
        Ok(ends)
    });
    Ok(VaccinationsSent { results: ends.await?.into_iter().map(told).collect() })
}

fn read(permit: &Permit, item: SentVaccination) -> Result<Item, Refusal> {
    let SentVaccination {
        modification_seg,
        municipality_identity_key,
        history_key,
        vaccination,
        reason,
    } = item;
    let person = AddressNumber::parse(&municipality_identity_key);
    let person = person.map_err(|_| Refusal::field("municipalityIdentityKey"))?;
    let today = day_in_japan(permit.context().at);
    if let Some(dose) = &vaccination {
        dose.check(today).map_err(|error| Refusal::field(wrong_part(error)))?;
    }
    let is_delete = modification_seg == ModificationSeg::Delete;
    if vaccination.is_none() != is_delete {
        return Err(Refusal::field("vaccination"));
    }
    let tag = history_key.map(|key| Tag::parse_bare(&key).ok_or(Refusal::field("historyKey")));
    match (tag.transpose()?, vaccination) {
        (None, Some(dose)) => Ok(Item::New { person, dose }),
        (None, None) => Err(Refusal::field("historyKey")),
        (Some(tag), dose) => {
            let why = provenance(permit, &reason.unwrap_or_default());
            let why = why.map_err(|_| Refusal::field("reason"))?;
            Ok(Item::Change { person, tag, dose, why })
        }
    }
}

fn wrong_part(error: InvalidVaccination) -> &'static str {
    match error {
        InvalidVaccination::DoseNumber => "vaccination.doseNumber",
        InvalidVaccination::FutureDate => "vaccination.date",
        InvalidVaccination::Text => "vaccination",
    }
}

impl Item {
    fn run(
        &self,
        tx: &mut Tx,
        (keys, permit): (&RoomKeys, &Permit),
        source: &Provenance,
    ) -> Result<End, ApiError> {
        let person = match self {
            Self::Refused(refusal) => return Ok(Err(*refusal)),
            Self::New { person, .. } | Self::Change { person, .. } => person,
        };
        let subject = store::subject::find_by_address(tx, keys, permit, person)?;
        let Some(subject) = subject else { return Ok(Err(Refusal::from(&common::NOT_FOUND))) };
        match self {
            Self::New { dose, .. } => register(tx, (keys, permit), &subject, (dose, source)),
            Self::Change { tag, dose, why, .. } => {
                let (tag, dose, provenance) = (*tag, dose.clone(), why.clone());
                let change = Change { subject, vaccination: tag.id(), tag, dose, provenance };
                let end = if change.dose.is_some() { SentEnd::Updated } else { SentEnd::Deleted };
                let done = change.run(tx, keys, permit)?;
                Ok(match done {
                    Ok(changed) => Ok((end, Tag::of_dose(&changed.newest))),
                    Err(refusal) if refusal.kind == &problems::NOTHING_CHANGES => {
                        Ok((SentEnd::Unchanged, tag))
                    }
                    Err(refusal) => Err(refusal),
                })
            }
            Self::Refused(refusal) => Ok(Err(*refusal)),
        }
    }
}

fn register(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    subject: &SubjectId,
    (dose, source): (&Vaccination, &Provenance),
) -> Result<End, ApiError> {
    let id = keys.dose_id(subject, dose.vaccine_kind.as_deref(), dose.dose_number);
    let held = store::vaccination::newest(tx, keys, permit, subject)?;
    if let Some(held) = held.iter().find(|held| held.id == id) {
        let is_same =
            held.version.vaccination == *dose && held.version.standing == Standing::InForce;
        let same = (SentEnd::Unchanged, Tag::of_dose(held));
        return Ok(is_same.then_some(same).ok_or(Refusal::from(&rooms::ALREADY_REGISTERED_DOSE)));
    }
    let (vaccination, provenance) = (dose.clone(), source.clone());
    let version = Version { vaccination, provenance, standing: Standing::InForce };
    store::vaccination::insert(tx, keys, permit, (subject, &id, 1), &version)?;
    let held = store::vaccination::Held { id, number: 1, version };
    Ok(Ok((SentEnd::Registered, Tag::of_dose(&held))))
}

/// How many items ended in which way.
fn summary(ends: &[End]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for end in ends {
        let word = match end {
            Ok((SentEnd::Registered, _)) => "registered",
            Ok((SentEnd::Updated, _)) => "corrected",
            Ok((SentEnd::Deleted, _)) => "withdrawn",
            Ok((SentEnd::Unchanged, _)) => "unchanged",
            Ok((SentEnd::Refused, _)) | Err(_) => "refused",
        };
        *counts.entry(word).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
    counts.join(", ")
}

fn told(end: End) -> SentResult {
    match end {
        Ok((result, tag)) => {
            SentResult { result, history_key: Some(tag.bare()), code: None, field: None }
        }
        Err(refusal) => SentResult {
            result: SentEnd::Refused,
            history_key: None,
            code: Some(refusal.kind.code.to_owned()),
            field: refusal.field_name().map(str::to_owned),
        },
    }
}

pub(crate) async fn search(
    host: &Host,
    permit: Permit,
    request: SearchVaccinations,
) -> Result<FoundVaccinations, ApiError> {
    permit.expect_action(Action::SearchImmunizations)?;
    let room = host.room(permit.municipality())?;
    let wanted = AddressNumber::parse(&request.municipality_identity_key);
    let wanted = wanted.map_err(|_| ApiError::field("municipalityIdentityKey"))?;
    let keys = room.keys()?;
    let read = move |tx: &mut Tx, permit: &Permit| {
        let id = store::subject::find_by_address(tx, &keys, permit, &wanted)?;
        let Some(id) = id else { return Ok(None) };
        let found = store::subject::find(tx, &keys, permit, id)?;
        let held = store::vaccination::newest(tx, &keys, permit, &id)?;
        Ok(found.map(|found| (found, held)))
    };
    let known = host.read("partition.search-vaccinations", &permit, read).await?;
    let subject = known.as_ref().map(|(found, _)| found.id.0);
    let result = if known.is_some() { "shown" } else { common::NOT_FOUND.code };
    room.queue.add(entry(&permit, About { subject, ..About::default() }, result)).await?;
    let (found, mut held) = known.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let person = found.subject;
    // 利用停止: the municipality may not use these doses any more.
    held.retain(|_| !person.flags.stopped);
    let vaccinations = held.into_iter().map(|held| FoundVaccination {
        history_key: Tag::of_dose(&held).bare(),
        is_deleted: held.version.standing == Standing::Withdrawn,
        recorded_at_unix_s: RecordSource::from(&held.version.provenance).at_unix_s,
        vaccination: held.version.vaccination,
    });
    Ok(FoundVaccinations {
        municipality_identity_key: person.address_number.reveal().to_owned(),
        basic_five_info: BasicFiveInfo {
            name: person.name.reveal().to_owned(),
            name_kana: person.name_kana.reveal().to_owned(),
            date_of_birth: person.birth_date,
            sex: BasicFiveInfo::sex(person.sex),
        },
        is_not_disclosed: person.flags.withheld,
        vaccinations: vaccinations.collect(),
    })
}
