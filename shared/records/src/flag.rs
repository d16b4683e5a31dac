//! Sets or lifts a person's flags as a new version of the entry, with who, when and why.
//!
//! A person who moved out or died is still answered for; one who is withheld or stopped is not.

use domain::law::day_in_japan;
use domain::subject::{Flags, Subject, SubjectId};
use domain::{Action, Permit};
use room::Host;
use room::operation_log::{About, entry};
use room::shown;
use room::store;
use room::store::subject::Found;
use service::{ApiError, problems as common};
use time::{Date, Duration};
use wire::records::{FlagSubject, SubjectFlagged};

use crate::correct::provenance;
use crate::problems::{self, Refusal};
use crate::tag::Tag;

/// A move is reported before it happens, but not years before.
const MOVE_AHEAD_DAYS_MAX: i64 = 366;

pub(crate) async fn flag(
    host: &Host,
    permit: Permit,
    tag: Tag,
    request: FlagSubject,
) -> Result<SubjectFlagged, ApiError> {
    permit.expect_action(Action::FlagSubject)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let provenance = provenance(&permit, &request.reason)?;
    let today = day_in_japan(permit.context().at);
    let done = room.queue.write(move |tx, acts| {
        let found = store::subject::find(tx, &keys, &permit, SubjectId(request.subject))?;
        let subject = found.as_ref().map(|found| found.id.0);
        let next = follow(found, tag, &request, today)
            .map(|next| Found { provenance: Some(provenance.clone()), ..next });
        if let Ok(next) = &next {
            store::subject::insert(tx, &keys, &permit, next)?;
        }
        let result = next.as_ref().map_or_else(|refusal| refusal.kind.code, |_| "flagged");
        acts.add(entry(&permit, About { subject, ..About::default() }, result));
        Ok(next)
    });
    let next = done.await??;
    Ok(SubjectFlagged {
        subject: next.id.0,
        version: shown::number(next.version)?,
        etag: Tag::of_subject(&next).to_string(),
        flags: next.subject.flags,
    })
}

/// The version that comes after the one that was read.
fn follow(
    found: Option<Found>,
    tag: Tag,
    request: &FlagSubject,
    today: Date,
) -> Result<Found, Refusal> {
    let found = found.ok_or(&common::NOT_FOUND)?;
    if Tag::of_subject(&found) != tag {
        return Err(Refusal::from(&problems::SUPERSEDED));
    }
    let flags = flags(&found.subject, request, today)?;
    if flags == found.subject.flags {
        return Err(Refusal::from(&problems::NOTHING_CHANGES));
    }
    let Found { id, version, subject, provenance } = found;
    let version = version.saturating_add(1);
    Ok(Found { id, version, subject: Subject { flags, ..subject }, provenance })
}

fn flags(person: &Subject, request: &FlagSubject, today: Date) -> Result<Flags, Refusal> {
    let mut flags = person.flags;
    if let Some(day) = request.moved_out_on {
        let latest = today.saturating_add(Duration::days(MOVE_AHEAD_DAYS_MAX));
        if day.0.is_some_and(|day| day < person.birth_date || day > latest) {
            return Err(Refusal::field("movedOutOn"));
        }
        flags.moved_out_on = day.0;
    }
    if let Some(day) = request.died_on {
        if day.0.is_some_and(|day| day < person.birth_date || day > today) {
            return Err(Refusal::field("diedOn"));
        }
        flags.died_on = day.0;
    }
    flags.stopped = request.stopped.unwrap_or(flags.stopped);
    flags.withheld = request.withheld.unwrap_or(flags.withheld);
    Ok(flags)
}
