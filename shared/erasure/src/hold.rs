//! Keeps records from being erased, and lets them go again.

use domain::subject::SubjectId;
use domain::{Action, Permit};
use room::Host;
use room::operation_log::{About, entry};
use service::{ApiError, problems as common};
use wire::erasure::{ErasureHold, LiftErasureHold};

use crate::people::person;
use crate::{problems, store};

pub(crate) async fn hold(
    host: &Host,
    permit: Permit,
    request: ErasureHold,
) -> Result<ErasureHold, ApiError> {
    permit.expect_action(Action::HoldErasure)?;
    if request.subject.is_some() == request.class.is_some() {
        return Err(ApiError::field("subject"));
    }
    let room = host.room(permit.municipality())?;
    let (keys, who) = (room.keys()?, person(&permit)?);
    let wanted = request.clone();
    let refusal = room
        .queue
        .write(move |tx, acts| {
            let known = store::hold::find(tx, &permit, wanted.hold)?;
            let subject = wanted.subject.map(SubjectId);
            let is_known = match subject {
                Some(id) => room::store::subject::find(tx, &keys, &permit, id)?.is_some(),
                None => true,
            };
            let refusal = match known {
                Some((known, _)) => (known != wanted).then_some(&problems::ID_REUSED),
                None if !is_known => Some(&common::NOT_FOUND),
                None if store::hold::list(tx, &permit)?.len() >= store::hold::HOLDS_MAX => {
                    Some(&problems::TOO_MANY_HOLDS)
                }
                None => {
                    store::hold::insert(tx, &permit, (&wanted, &who))?;
                    None
                }
            };
            let subject = wanted.subject.filter(|_| is_known);
            let about = About { subject, ..About::default() };
            acts.add(entry(&permit, about, refusal.map_or("held", |kind| kind.code)));
            Ok(refusal)
        })
        .await?;
    refusal.map_or(Ok(request), |kind| Err(ApiError::new(kind)))
}

pub(crate) async fn lift(
    host: &Host,
    permit: Permit,
    request: LiftErasureHold,
) -> Result<ErasureHold, ApiError> {
    permit.expect_action(Action::HoldErasure)?;
    let room = host.room(permit.municipality())?;
    let who = person(&permit)?;
    let known = room
        .queue
        .write(move |tx, acts| {
            let known = store::hold::find(tx, &permit, request.hold)?.map(|(hold, _)| hold);
            if known.is_some() {
                store::hold::lift(tx, &permit, (request.hold, &who))?;
            }
            let subject = known.as_ref().and_then(|hold| hold.subject);
            let result = if known.is_some() { "lifted" } else { common::NOT_FOUND.code };
            acts.add(entry(&permit, About { subject, ..About::default() }, result));
            Ok(known)
        })
        .await?;
    known.ok_or_else(|| ApiError::new(&common::NOT_FOUND))
}
