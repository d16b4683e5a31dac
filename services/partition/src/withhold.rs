//! A supervisor sets or lifts 自動応答不可フラグ: a withheld person is answered with "nothing".

use domain::subject::SubjectId;
use domain::vaccination::Provenance;
use domain::{Action, Permit};
use service::{ApiError, problems as common};
use wire::partition::WithholdSubject;

use room::Host;
use room::operation_log::{About, entry};
use room::store;
use room::store::subject::Found;

/// Takes effect with the next inquiry; the earlier version of the entry stays.
pub(crate) async fn withhold(
    host: &Host,
    permit: Permit,
    request: WithholdSubject,
) -> Result<WithholdSubject, ApiError> {
    permit.expect_action(Action::WithholdSubject)?;
    let room = host.room(permit.municipality())?;
    let WithholdSubject { subject, withheld } = request;
    let keys = room.keys()?;
    let is_known = room
        .queue
        .write(move |tx, acts| {
            let found = store::subject::find(tx, &keys, &permit, SubjectId(subject))?;
            let Some(Found { id, version, subject: mut person, .. }) = found else {
                acts.add(entry(&permit, About::default(), common::NOT_FOUND.code));
                return Ok(false);
            };
            person.flags.withheld = withheld;
            let provenance = Provenance::registered(permit.context());
            let next = Found { id, version: version + 1, subject: person, provenance };
            store::subject::insert(tx, &keys, &permit, &next)?;
            let about = About { subject: Some(subject), ..About::default() };
            acts.add(entry(&permit, about, if withheld { "withheld" } else { "lifted" }));
            Ok(true)
        })
        .await?;
    if is_known {
        Ok(WithholdSubject { subject, withheld })
    } else {
        Err(ApiError::new(&common::NOT_FOUND))
    }
}
