//! Shows exactly what would be erased; nothing is erased here.

use db::Tx;
use domain::{Action, Permit};
use room::operation_log::{About, entry, unix_ms};
use room::{Host, Room};
use service::ApiError;
use service::problems::ProblemKind;
use std::collections::HashSet;
use uuid::Uuid;
use wire::erasure::{
    ERASED_MAX, Erasure, ErasureReason, ErasureScope, ErasureState, ExpiringClass, ProposeErasure,
};

use crate::people::person;
use crate::retention::Over;
use crate::store::personal::{self, Whose};
use crate::store::proposal::{Proposal, Scope};
use crate::{problems, retention, store};

/// What stands in the place of a person where a job has proposed.
pub(crate) const RETENTION: &str = "retention";

pub(crate) async fn propose(
    host: &Host,
    permit: Permit,
    request: ProposeErasure,
) -> Result<Erasure, ApiError> {
    permit.expect_action(Action::ProposeErasure)?;
    check(&request.scope)?;
    let room = host.room(permit.municipality())?;
    let expired = match request.scope {
        ErasureScope::Expired { .. } => retention::expired(host, &room, &permit).await?,
        _ => Over::default(),
    };
    let who = person(&permit)?;
    let scope = Scope { asked: request.scope, expired: expired.doses, doubts: expired.doubts };
    let draft = Draft {
        id: request.erasure,
        reason: request.reason,
        scope,
        proposed_by: who.clone(),
        first_person: Some(who),
    };
    keep(&room, permit, draft).await?.map_err(ApiError::new)?.shown()
}

/// The same by the job: two persons have yet to agree.
pub(crate) async fn propose_expired(
    room: &Room,
    permit: Permit,
    over: Over,
) -> Result<(), ApiError> {
    let asked = ErasureScope::Expired { class: ExpiringClass::Vaccination };
    let draft = Draft {
        id: Uuid::new_v4(),
        reason: ErasureReason::RetentionOver,
        scope: Scope { asked, expired: over.doses, doubts: over.doubts },
        proposed_by: RETENTION.to_owned(),
        first_person: None,
    };
    keep(room, permit, draft).await?.map(drop).map_err(ApiError::new)
}

fn check(scope: &ErasureScope) -> Result<(), ApiError> {
    let (length, distinct) = match scope {
        ErasureScope::Persons { subjects } => {
            (subjects.len(), subjects.iter().collect::<HashSet<_>>().len())
        }
        ErasureScope::Doses { doses } => (doses.len(), doses.iter().collect::<HashSet<_>>().len()),
        ErasureScope::Expired { .. } => (1, 1),
    };
    let is_sound = (1..=ERASED_MAX).contains(&length) && distinct == length;
    is_sound.then_some(()).ok_or_else(|| ApiError::field("scope"))
}

/// A proposal before anybody has looked at what it means.
#[derive(Clone)]
struct Draft {
    id: Uuid,
    reason: ErasureReason,
    scope: Scope,
    proposed_by: String,
    first_person: Option<String>,
}

async fn keep(
    room: &Room,
    permit: Permit,
    draft: Draft,
) -> Result<Result<Proposal, &'static ProblemKind>, ApiError> {
    room.queue
        .write(move |tx, acts| {
            let kept = decide(tx, &permit, &draft)?;
            let subject = match (&draft.scope.asked, kept.is_ok()) {
                (ErasureScope::Persons { subjects }, true) => only(subjects),
                _ => None,
            };
            let result = kept.as_ref().err().map_or("proposed", |kind| kind.code);
            acts.add(entry(&permit, About { subject, ..About::default() }, result));
            Ok(kept)
        })
        .await
}

fn decide(
    tx: &mut Tx,
    permit: &Permit,
    draft: &Draft,
) -> Result<Result<Proposal, &'static ProblemKind>, ApiError> {
    if let Some(known) = store::proposal::find(tx, permit, draft.id)? {
        let is_same = known.scope.asked == draft.scope.asked
            && known.reason == draft.reason
            && known.proposed_by == draft.proposed_by;
        return Ok(if is_same { Ok(known) } else { Err(&problems::ID_REUSED) });
    }
    let whose = draft.scope.whose();
    if is_held(tx, permit, &draft.scope, &whose)? {
        return Ok(Err(&problems::HELD));
    }
    let set = personal::set(tx, permit, &whose)?;
    if set.is_empty() {
        return Ok(Err(&problems::NOTHING_TO_ERASE));
    }
    let Draft { id, reason, scope, proposed_by, first_person } = draft.clone();
    let proposal = Proposal {
        id,
        state: ErasureState::Proposed,
        reason,
        scope,
        set,
        proposed_by,
        first_person,
        second_person: None,
        proposed_at_unix_ms: unix_ms(permit.context().at),
        ended_at_unix_ms: None,
    };
    store::proposal::insert(tx, permit, &proposal)?;
    Ok(Ok(proposal))
}

/// Whether somebody holds something of this.
pub(crate) fn is_held(
    tx: &mut Tx,
    permit: &Permit,
    scope: &Scope,
    whose: &[Whose],
) -> Result<bool, ApiError> {
    let holds = store::hold::list(tx, permit)?;
    let class = scope.class().unwrap_or(ExpiringClass::Vaccination);
    let held: HashSet<Uuid> = holds.iter().filter_map(|hold| hold.subject).collect();
    let is_person_held =
        whose.iter().filter_map(Whose::subject).any(|subject| held.contains(&subject));
    Ok(is_person_held || retention::is_class_held(&holds, class))
}

fn only(subjects: &[Uuid]) -> Option<Uuid> {
    match subjects {
        [one] => Some(*one),
        _ => None,
    }
}
