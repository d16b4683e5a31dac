//! A clerk registers a dose of a person in the clerk's own room.

use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::vaccination::{InvalidVaccination, Provenance, Standing};
use domain::{Action, Permit};
use service::{ApiError, problems as common};
use wire::partition::{RegisterVaccination, VaccinationRegistered};

use room::Host;
use room::operation_log::{About, entry};
use room::store::vaccination::Version;
use room::{problems, store};

pub(crate) async fn vaccinate(
    host: &Host,
    permit: Permit,
    request: RegisterVaccination,
) -> Result<VaccinationRegistered, ApiError> {
    permit.expect_action(Action::RegisterVaccination)?;
    let room = host.room(permit.municipality())?;
    let RegisterVaccination { subject, vaccination } = request;
    vaccination.check(day_in_japan(permit.context().at)).map_err(refused)?;
    let subject = SubjectId(subject);
    let keys = room.keys()?;
    let id = keys.dose_id(&subject, vaccination.vaccine_kind.as_deref(), vaccination.dose_number);
    let provenance = Provenance::registered(permit.context());
    let provenance = provenance.ok_or_else(|| ApiError::new(&common::DENIED))?;
    let version = Version { vaccination, provenance, standing: Standing::InForce };
    let refusal = room
        .queue
        .write(move |tx, acts| {
            let is_known = store::subject::find(tx, &keys, &permit, subject)?.is_some();
            let held = store::vaccination::newest(tx, &keys, &permit, &subject)?;
            let refusal = match held.iter().any(|held| held.id == id) {
                _ if !is_known => Some(&common::NOT_FOUND),
                true => Some(&problems::ALREADY_REGISTERED_DOSE),
                false => None,
            };
            if refusal.is_none() {
                store::vaccination::insert(tx, &keys, &permit, (&subject, &id, 1), &version)?;
            }
            let about = About { subject: is_known.then_some(subject.0), ..About::default() };
            acts.add(entry(&permit, about, refusal.map_or("registered", |kind| kind.code)));
            Ok(refusal)
        })
        .await?;
    match refusal {
        None => Ok(VaccinationRegistered { vaccination: id.0, version: 1 }),
        Some(kind) => Err(ApiError::new(kind)),
    }
}

fn refused(error: InvalidVaccination) -> ApiError {
    ApiError::field(match error {
        InvalidVaccination::DoseNumber => "vaccination.doseNumber",
        InvalidVaccination::FutureDate => "vaccination.date",
        InvalidVaccination::Text => "vaccination",
    })
}
