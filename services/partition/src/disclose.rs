//! Who received a person's records, with proofs (情報提供等の記録の開示, C194).
//!
//! Every entry is checked before it is shown.  The number lives only in this call.

use domain::{Action, Permit};
use exports::received;
use room::Host;
use room::operation_log::{About, conclude, entry};
use room::store;
use service::{ApiError, problems as common};
use wire::partition::{Disclose, Disclosure};

pub(crate) async fn disclose(
    host: &Host,
    permit: Permit,
    request: Disclose,
) -> Result<Disclosure, ApiError> {
    permit.expect_action(Action::Disclose)?;
    let room = host.room(permit.municipality())?;
    let number = request.individual_number.0;
    let (keys, wanted) = (room.keys()?, number.clone());
    let read = move |tx: &mut db::Tx, permit: &Permit| {
        let found = store::subject::find_by_number(tx, &keys, permit, &wanted)?;
        let Some(subject) = found else { return Ok(None) };
        let provided = store::provision::list_of(tx, &keys, permit, subject);
        let told = store::notice_out::of_subject(tx, &keys, permit, &subject)?;
        Ok(Some((subject, provided, told)))
    };
    let found = host.read("partition.disclose", &permit, read).await?;
    let (subject, provided, told) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let about = About { subject: Some(subject.0), ..About::default() };
    let checked = match provided {
        Ok(provided) => received::check(host, &permit, &number, (provided, told)).await,
        Err(error) => Err(error),
    };
    let (received, hidden) = conclude(&room, &permit, about.clone(), checked).await?;
    let result = format!("disclosed {}, hidden by law {hidden}", received.len());
    room.queue.add(entry(&permit, about, &result)).await?;
    Ok(Disclosure { subject: subject.0, received })
}
