//! A clerk registers a dose of a person in the clerk's own room.

use domain::law::day_in_japan;
use domain::subject::SubjectId;
use domain::vaccination::{InvalidVaccination, Provenance, VaccinationId};
use domain::{Action, Actor, OperatorId, Permit};
use service::{ApiError, problems as common};
use wire::partition::{RegisterVaccination, VaccinationRegistered};

use room::Host;
use room::operation_log::{About, entry};
use room::store;
use room::store::vaccination::Version;

pub(crate) async fn vaccinate(
    host: &Host,
    permit: Permit,
    request: RegisterVaccination,
) -> Result<VaccinationRegistered, ApiError> {
    permit.expect_action(Action::RegisterVaccination)?;
    let room = host.room(permit.municipality())?;
    let RegisterVaccination { subject, vaccination } = request;
    vaccination.check(day_in_japan(permit.context().at)).map_err(refused)?;
    let (subject, id) = (SubjectId(subject), VaccinationId::make_random());
    let provenance = Provenance::registered(operator(&permit)?, permit.context().at);
    let version = Version { vaccination, provenance };
    let keys = std::sync::Arc::clone(&room.keys);
    let is_registered = room
        .queue
        .write(move |tx, acts| {
            let known = store::subject::find(tx, &keys, &permit, subject)?.is_some();
            let result = if known {
                store::vaccination::insert(tx, &keys, &permit, (&subject, &id, 1), &version)?;
                "registered"
            } else {
                common::NOT_FOUND.code
            };
            let subject = known.then_some(subject.0);
            acts.add(entry(&permit, About { subject, ..About::default() }, result));
            Ok(known)
        })
        .await?;
    if is_registered {
        Ok(VaccinationRegistered { vaccination: id.0, version: 1 })
    } else {
        Err(ApiError::new(&common::NOT_FOUND))
    }
}

fn operator(permit: &Permit) -> Result<OperatorId, ApiError> {
    match &permit.context().actor {
        Actor::Operator { id, .. } => Ok(id.clone()),
        _ => Err(ApiError::new(&common::DENIED)),
    }
}

fn refused(error: InvalidVaccination) -> ApiError {
    ApiError::field(match error {
        InvalidVaccination::DoseNumber => "vaccination.doseNumber",
        InvalidVaccination::FutureDate => "vaccination.date",
        InvalidVaccination::Text => "vaccination",
    })
}
