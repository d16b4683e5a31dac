//! Staff read a person's entry and doses, as they count now or with every earlier version.
//!
//! Reading is an act: its line is durable before anything is shown.  What is shown never holds the
//! individual number.

use db::Tx;
use domain::subject::SubjectId;
use domain::{Action, AddressNumber, IndividualNumber, Permit};
use room::Host;
use room::operation_log::{About, entry};
use room::shown::{dose_version, subject_version};
use room::store;
use service::{ApiError, problems as common};
use wire::records::{FindRecords, History, PersonRecords, ReadHistory};

/// By what a person is looked for.
#[derive(Clone)]
enum Wanted {
    Address(AddressNumber),
    Number(IndividualNumber),
    Subject(SubjectId),
}

pub(crate) async fn find(
    host: &Host,
    permit: Permit,
    request: FindRecords,
) -> Result<PersonRecords, ApiError> {
    permit.expect_action(Action::ReadRecords)?;
    let room = host.room(permit.municipality())?;
    let (keys, wanted) = (room.keys()?, wanted(request)?);
    let read = move |tx: &mut Tx, permit: &Permit| {
        let subject = match &wanted {
            Wanted::Address(number) => store::subject::find_by_address(tx, &keys, permit, number)?,
            Wanted::Number(number) => store::subject::find_by_number(tx, &keys, permit, number)?,
            Wanted::Subject(subject) => Some(*subject),
        };
        let Some(subject) = subject else { return Ok(None) };
        let Some(found) = store::subject::find(tx, &keys, permit, subject)? else {
            return Ok(None);
        };
        let held = store::vaccination::newest(tx, &keys, permit, &subject)?;
        Ok(Some((found, held)))
    };
    let found = host.read("partition.find-records", &permit, read).await?;
    let subject = found.as_ref().map(|(found, _)| found.id.0);
    let result = if found.is_some() { "shown" } else { common::NOT_FOUND.code };
    let about = About { subject, ..About::default() };
    room.queue.add(entry(&permit, about, result)).await?;
    let (found, held) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let doses: Result<_, _> = held.iter().map(dose_version).collect();
    Ok(PersonRecords { subject: subject_version(&found)?, doses: doses? })
}

fn wanted(request: FindRecords) -> Result<Wanted, ApiError> {
    let FindRecords { address_number, subject, individual_number } = request;
    match (address_number, subject, individual_number) {
        (Some(number), None, None) => {
            let number = AddressNumber::parse(&number);
            number.map(Wanted::Address).map_err(|_| ApiError::field("addressNumber"))
        }
        (None, Some(subject), None) => Ok(Wanted::Subject(SubjectId(subject))),
        (None, None, Some(number)) => Ok(Wanted::Number(number.0)),
        _ => Err(ApiError::new(&common::MALFORMED)),
    }
}

pub(crate) async fn history(
    host: &Host,
    permit: Permit,
    request: ReadHistory,
) -> Result<History, ApiError> {
    permit.expect_action(Action::ReadRecords)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let ReadHistory { subject, vaccination } = request;
    let read = move |tx: &mut Tx, permit: &Permit| {
        let subject = SubjectId(subject);
        let entries = store::subject::versions(tx, &keys, permit, subject)?;
        let doses = store::vaccination::versions(tx, &keys, permit, &subject)?;
        Ok((entries, doses))
    };
    let (mut entries, mut doses) = host.read("partition.history", &permit, read).await?;
    let is_known = !entries.is_empty();
    if let Some(vaccination) = vaccination {
        entries.clear();
        doses.retain(|held| held.id.0 == vaccination);
    }
    let is_found = is_known && !(entries.is_empty() && doses.is_empty());
    let result = if is_found { "history shown" } else { common::NOT_FOUND.code };
    let about = About { subject: is_known.then_some(subject), ..About::default() };
    room.queue.add(entry(&permit, about, result)).await?;
    if !is_found {
        return Err(ApiError::new(&common::NOT_FOUND));
    }
    let subject: Result<_, _> = entries.iter().map(subject_version).collect();
    let doses: Result<_, _> = doses.iter().map(dose_version).collect();
    Ok(History { subject: subject?, doses: doses? })
}
