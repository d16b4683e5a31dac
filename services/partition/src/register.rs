//! A clerk registers a person in the room of the clerk's own municipality.

use domain::subject::{Flags, Subject, SubjectId};
use domain::vaccination::Provenance;
use domain::{Action, AddressNumber, Permit, PersonalText};
use service::ApiError;
use wire::partition::{RegisterSubject, SubjectRegistered};

use room::Host;
use room::operation_log::{About, entry};
use room::store::subject::Found;
use room::{problems, store};

/// Registers a person once; the same number again is refused, not overwritten.
pub(crate) async fn register(
    host: &Host,
    permit: Permit,
    request: RegisterSubject,
) -> Result<SubjectRegistered, ApiError> {
    permit.expect_action(Action::RegisterSubject)?;
    let room = host.room(permit.municipality())?;
    let subject = read(&request)?;
    let number = request.individual_number.0;
    let id = SubjectId::make_random();
    let keys = room.keys()?;
    let registered = room
        .queue
        .write(move |tx, acts| {
            if let Some(known) = store::subject::find_by_number(tx, &keys, &permit, &number)? {
                let about = About { subject: Some(known.0), ..About::default() };
                acts.add(entry(&permit, about, problems::ALREADY_REGISTERED.code));
                return Ok(None);
            }
            let provenance = Provenance::registered(permit.context());
            let found = Found { id, version: 1, subject: subject.clone(), provenance };
            store::subject::insert(tx, &keys, &permit, &found)?;
            store::subject::insert_number(tx, &keys, &permit, &number, &id)?;
            let about = About { subject: Some(id.0), ..About::default() };
            acts.add(entry(&permit, about, "registered"));
            Ok(Some(id))
        })
        .await?;
    let id = registered.ok_or_else(|| ApiError::new(&problems::ALREADY_REGISTERED))?;
    Ok(SubjectRegistered { subject: id.0 })
}

fn read(request: &RegisterSubject) -> Result<Subject, ApiError> {
    Ok(Subject {
        address_number: AddressNumber::parse(&request.address_number)
            .map_err(|_| ApiError::field("addressNumber"))?,
        name: PersonalText::parse(&request.name).map_err(|_| ApiError::field("name"))?,
        name_kana: PersonalText::parse(&request.name_kana)
            .map_err(|_| ApiError::field("nameKana"))?,
        birth_date: request.birth_date,
        sex: request.sex,
        flags: Flags::default(),
    })
}
