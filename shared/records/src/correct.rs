//! Staff, or a system of the municipality, correct a dose or take it back.
//!
//! Nothing is overwritten: a correction is a further version that says who and why, and it follows
//! exactly the version that was read.  Whoever received the dose is told in the same transaction.

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::vaccination::{InvalidVaccination, Provenance, Standing, Vaccination};
use domain::{Action, Permit, WrittenReason};
use room::Host;
use room::change;
use room::operation_log::{About, entry};
use room::shown;
use room::store::vaccination::{Held, Version};
use room::{problems as rooms, store};
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::records::{CorrectVaccination, VaccinationChanged, WithdrawVaccination};

use crate::problems::{self, Refusal};
use crate::tag::Tag;

pub(crate) async fn correct(
    host: &Host,
    permit: Permit,
    tag: Tag,
    request: CorrectVaccination,
) -> Result<VaccinationChanged, ApiError> {
    let CorrectVaccination { subject, vaccination, dose, reason } = request;
    dose.check(day_in_japan(permit.context().at)).map_err(refused)?;
    let provenance = provenance(&permit, &reason)?;
    let change =
        Change { subject: SubjectId(subject), vaccination, tag, dose: Some(dose), provenance };
    apply(host, permit, change).await
}

pub(crate) async fn withdraw(
    host: &Host,
    permit: Permit,
    tag: Tag,
    request: WithdrawVaccination,
) -> Result<VaccinationChanged, ApiError> {
    let WithdrawVaccination { subject, vaccination, reason } = request;
    let provenance = provenance(&permit, &reason)?;
    let change = Change { subject: SubjectId(subject), vaccination, tag, dose: None, provenance };
    apply(host, permit, change).await
}

/// What is to become of a dose.
pub(crate) struct Change {
    pub(crate) subject: SubjectId,
    pub(crate) vaccination: Uuid,
    pub(crate) tag: Tag,
    /// `None` takes it back.
    pub(crate) dose: Option<Vaccination>,
    pub(crate) provenance: Provenance,
}

/// What became of it.
pub(crate) struct Changed {
    pub(crate) newest: Held,
    notices: usize,
}

async fn apply(
    host: &Host,
    permit: Permit,
    change: Change,
) -> Result<VaccinationChanged, ApiError> {
    permit.expect_action(Action::CorrectVaccination)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let done = room.queue.write(move |tx, acts| {
        let is_known = store::subject::find(tx, &keys, &permit, change.subject)?.is_some();
        let done = match is_known {
            true => change.run(tx, &keys, &permit)?,
            false => Err(Refusal::from(&common::NOT_FOUND)),
        };
        let result = match &done {
            Ok(_) if change.dose.is_none() => "withdrawn",
            Ok(_) => "corrected",
            Err(refusal) => refusal.kind.code,
        };
        let subject = is_known.then_some(change.subject.0);
        acts.add(entry(&permit, About { subject, ..About::default() }, result));
        Ok(done)
    });
    let Changed { newest, notices } = done.await??;
    Ok(VaccinationChanged {
        vaccination: newest.id.0,
        version: shown::number(newest.number)?,
        etag: Tag::of_dose(&newest).to_string(),
        notices,
    })
}

impl Change {
    pub(crate) fn run(
        &self,
        tx: &mut Tx,
        keys: &RoomKeys,
        permit: &Permit,
    ) -> Result<Result<Changed, Refusal>, ApiError> {
        let doses = store::vaccination::newest(tx, keys, permit, &self.subject)?;
        let (before, place) = match self.judge(keys, &doses) {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let has_moved = place.id != before.id;
        if has_moved {
            // Another kind or number is another dose: the old one was none.
            self.follow(tx, (keys, permit), before, None)?;
        }
        let newest = self.follow(tx, (keys, permit), &place, self.dose.as_ref())?;
        let after = self.dose.is_some().then_some(&newest);
        let mut notices = change::queue_for(tx, keys, permit, &self.subject, (before, after))?;
        if has_moved && place.number > 0 {
            // Who heard that a dose was taken back from here hears that there is one again.
            let told = change::queue_for(tx, keys, permit, &self.subject, (&place, after))?;
            notices = notices.saturating_add(told);
        }
        Ok(Ok(Changed { newest, notices }))
    }

    /// The version that was read, and the place where the next one belongs: mostly the same.
    fn judge<'a>(&self, keys: &RoomKeys, doses: &'a [Held]) -> Result<(&'a Held, Held), Refusal> {
        let before = doses.iter().find(|held| held.id.0 == self.vaccination);
        let before = before.ok_or(&common::NOT_FOUND)?;
        if Tag::of_dose(before) != self.tag {
            return Err(Refusal::from(&problems::SUPERSEDED));
        }
        let is_in_force = before.version.standing == Standing::InForce;
        let is_news = match &self.dose {
            Some(dose) => !is_in_force || before.version.vaccination != *dose,
            None => is_in_force,
        };
        if !is_news {
            return Err(Refusal::from(&problems::NOTHING_CHANGES));
        }
        let Some(dose) = &self.dose else { return Ok((before, before.clone())) };
        let id = keys.dose_id(&self.subject, dose.vaccine_kind.as_deref(), dose.dose_number);
        let place = doses.iter().find(|held| held.id == id);
        let is_taken = place.is_some_and(|held| held.version.standing == Standing::InForce);
        if is_taken && id != before.id {
            return Err(Refusal::from(&rooms::ALREADY_REGISTERED_DOSE));
        }
        let unused = || Held { id, number: 0, ..before.clone() };
        Ok((before, place.cloned().unwrap_or_else(unused)))
    }

    /// Writes the version after this one: with a dose, or withdrawn as it was.
    fn follow(
        &self,
        tx: &mut Tx,
        (keys, permit): (&RoomKeys, &Permit),
        before: &Held,
        dose: Option<&Vaccination>,
    ) -> Result<Held, ApiError> {
        let standing = if dose.is_some() { Standing::InForce } else { Standing::Withdrawn };
        let vaccination = dose.unwrap_or(&before.version.vaccination).clone();
        let version = Version { vaccination, provenance: self.provenance.clone(), standing };
        let after = Held { id: before.id, number: before.number.saturating_add(1), version };
        let place = (&self.subject, &after.id, after.number);
        store::vaccination::insert(tx, keys, permit, place, &after.version)?;
        Ok(after)
    }
}

pub(crate) fn provenance(permit: &Permit, reason: &str) -> Result<Provenance, ApiError> {
    let reason = WrittenReason::parse(reason).map_err(|_| ApiError::field("reason"))?;
    let provenance = Provenance::corrected(permit.context(), &reason);
    provenance.ok_or_else(|| ApiError::new(&common::DENIED))
}

fn refused(error: InvalidVaccination) -> ApiError {
    ApiError::field(match error {
        InvalidVaccination::DoseNumber => "dose.doseNumber",
        InvalidVaccination::FutureDate => "dose.date",
        InvalidVaccination::Text => "dose",
    })
}
