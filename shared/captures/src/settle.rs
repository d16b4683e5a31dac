//! What becomes of captures, in one transaction of their room.

use crypto::RoomKeys;
use db::Tx;
use domain::capture::Capture;
use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::vaccination::{InvalidVaccination, Provenance, Standing, Vaccination};
use domain::{Action, Permit};
use imports::quarantine::{self, Doubtful, GivenDose, Origin, Row, State};
use quality::{Doubt, DoubtKind, Neighbour, Person, Rules, VoucherState};
use room::operation_log::{About, entry};
use room::store;
use room::store::subject::Found;
use room::store::vaccination::{Held, Version};
use room::store::voucher::Issued;
use room::writer::Acts;
use service::ApiError;
use uuid::Uuid;
use wire::intake::CaptureName;

/// A capture as far as it could be opened, or the word for why it does not count.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) name: CaptureName,
    pub(crate) content: Result<Capture, &'static str>,
}

type Ground<'a> = (&'a RoomKeys, &'a Permit, &'a Rules);

/// Registers what is without doubt, puts the rest in front of people, and remembers each capture.
pub(crate) fn settle(
    (tx, acts): (&mut Tx, &mut Acts),
    ground: Ground<'_>,
    opened: &[Opened],
) -> Result<(), ApiError> {
    let (_, permit, _) = ground;
    permit.expect_action(Action::RunJobs)?;
    let ids: Vec<Uuid> = opened.iter().map(|one| one.name.id).collect();
    let done = store::capture::done(tx, permit, &ids)?;
    for one in opened.iter().filter(|one| !done.contains(&one.name)) {
        let (subject, result) = match &one.content {
            Ok(capture) => settle_one(tx, ground, (&one.name, capture))?,
            Err(result) => (None, *result),
        };
        store::capture::insert(tx, permit, (&one.name, result))?;
        let purpose = format!("device/{}", one.name.device);
        let about = About { purpose, subject: subject.map(|id| id.0), ..About::default() };
        acts.add(entry(permit, about, result));
    }
    Ok(())
}

fn settle_one(
    tx: &mut Tx,
    (keys, permit, rules): Ground<'_>,
    (name, capture): (&CaptureName, &Capture),
) -> Result<(Option<SubjectId>, &'static str), ApiError> {
    let (dose, today) = (&capture.dose, day_in_japan(permit.context().at));
    if matches!(dose.check(today), Err(InvalidVaccination::Text | InvalidVaccination::DoseNumber)) {
        return Ok((None, "unreadable"));
    }
    let number = capture.voucher.number();
    let issued = store::voucher::find(tx, keys, permit, number)?;
    let person = match issued.first() {
        Some(first) => store::subject::find(tx, keys, permit, first.subject)?,
        None => None,
    };
    let Some(person) = person else {
        let state =
            VoucherState::NeverIssued { neighbours: neighbours(tx, keys, permit, capture)? };
        let doubt = quality::voucher_doubt(&state, dose.dose_number);
        wait(tx, (keys, permit), (name, capture, None), doubt.into_iter().collect())?;
        return Ok((None, "quarantined"));
    };
    let held = store::vaccination::newest(tx, keys, permit, &person.id)?;
    let doubts = doubts(rules, (dose, today), (&person, &held, &issued));
    if !doubts.is_empty() {
        wait(tx, (keys, permit), (name, capture, Some(person.id)), doubts)?;
        return Ok((Some(person.id), "quarantined"));
    }
    let id = keys.dose_id(&person.id, dose.vaccine_kind.as_deref(), dose.dose_number);
    if held.iter().any(|held| held.id == id) {
        return Ok((Some(person.id), "known"));
    }
    let provenance = Provenance::Captured {
        capture: capture.id,
        device: name.device.clone(),
        at_unix_s: permit.context().at.unix_timestamp(),
    };
    let version = Version { vaccination: dose.clone(), provenance, standing: Standing::InForce };
    store::vaccination::insert(tx, keys, permit, (&person.id, &id, 1), &version)?;
    Ok((Some(person.id), "registered"))
}

fn doubts(
    rules: &Rules,
    (dose, today): (&Vaccination, time::Date),
    (person, held, issued): (&Found, &[Held], &[Issued]),
) -> Vec<Doubt> {
    let is_withdrawn = |held: &&Held| held.version.standing == Standing::Withdrawn;
    let withdrawn = held.iter().filter(is_withdrawn);
    let was_withdrawn = withdrawn
        .map(|held| &held.version.vaccination)
        .any(|old| (&old.vaccine_kind, old.dose_number) == (&dose.vaccine_kind, dose.dose_number));
    let in_force = held.iter().filter(|held| !is_withdrawn(held));
    let doses: Vec<Vaccination> = in_force.map(|held| held.version.vaccination.clone()).collect();
    let flags = &person.subject.flags;
    let person = Person {
        birth_date: person.subject.birth_date,
        died_on: flags.died_on,
        moved_out_on: flags.moved_out_on,
        doses: &doses,
        beside: &[],
        unread: &[],
    };
    let issued = issued.iter().map(|one| one.dose_number).collect();
    let voucher = VoucherState::IssuedToPerson { doses: issued };
    let mut doubts = quality::doubts(rules, dose, &person, &voucher, today);
    if was_withdrawn && doubts.is_empty() {
        doubts.push(Doubt { kind: DoubtKind::RegisteredDiffers, likely: None });
    }
    doubts
}

/// Issued vouchers whose numbers are easily taken for this one.
fn neighbours(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    capture: &Capture,
) -> Result<Vec<Neighbour>, ApiError> {
    let numbers: Vec<_> = quality::neighbours(capture.voucher.number()).collect();
    let found = store::many::vouchers(tx, keys, permit, &numbers)?;
    let neighbour = |(number, issued): (_, Vec<Issued>)| {
        let subject = issued.first()?.subject;
        let doses = issued.iter().map(|one| one.dose_number).collect();
        Some(Neighbour { number, subject, of_same_person: false, doses })
    };
    Ok(numbers.into_iter().zip(found).filter_map(neighbour).collect())
}

/// Puts a doubtful capture in front of people.
fn wait(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    (name, capture, subject): (&CaptureName, &Capture, Option<SubjectId>),
    doubts: Vec<Doubt>,
) -> Result<(), ApiError> {
    let voucher = Some((permit.municipality(), capture.voucher.number().clone()));
    let given = GivenDose { subject, dose: capture.dose.clone(), voucher };
    let origin = Origin::Capture(name.id);
    let row = Doubtful { origin, line: 0, row: Row::Dose(given), doubts };
    quarantine::insert(tx, keys, permit, (&[row], State::Open)).map(drop)
}
