//! Staff decide on one doubtful row: take it as it is, as it was probably meant, corrected, or drop
//! it with the reason.
//!
//! Decision, what it writes into the register and the line that tells of it are durable together.
//! What is registered is never overwritten: a decision adds a version that says whose it is.

use crypto::RoomKeys;
use db::Tx;
use domain::law::day_in_japan;
use domain::subject::{Flags, SubjectId};
use domain::vaccination::{InvalidVaccination, Provenance, Standing, Vaccination};
use domain::{Action, Actor, OperatorId, Permit, WrittenReason};
use interchange::SubjectRow;
use quality::{Doubt, DoubtKind, Likely};
use room::Host;
use room::change;
use room::operation_log::{About, entry};
use room::store as register;
use room::store::subject::Found;
use room::store::vaccination::{Held, Version};
use service::problems::ProblemKind;
use service::{ApiError, problems as common};
use wire::quarantine::{DecideQuarantine, QuarantineDecided, QuarantineDecision};
use zeroize::Zeroizing;

use crate::check::person;
use crate::problems::{
    ALREADY_DECIDED, DOSE_REGISTERED, NO_DOSE, NO_LIKELY_ANSWER, NOT_A_DOSE, WHOSE_ROW,
};
use crate::quarantine::{GivenDose, Row};
use crate::store;
use crate::store::broken_row;
use crate::store::quarantine::{Decided, Kept};

/// Decides on exactly the row that was read; whoever comes second is told so.
pub(crate) async fn decide(
    host: &Host,
    permit: Permit,
    request: DecideQuarantine,
) -> Result<QuarantineDecided, ApiError> {
    permit.expect_action(Action::DecideQuarantine)?;
    let Actor::Operator { id: operator, .. } = permit.context().actor.clone() else {
        return Err(ApiError::new(&common::DENIED));
    };
    check(&permit, &request.decision)?;
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let done = room.queue.write(move |tx, acts| {
        let act = Act { keys: &keys, permit: &permit, operator: &operator, request: &request };
        let done = act.settle(tx)?;
        let subject = done.as_ref().ok().and_then(|done| done.subject);
        let result = match &done {
            Ok(_) => word(&request.decision),
            Err(kind) => kind.code,
        };
        acts.add(entry(&permit, About { subject, ..About::default() }, result));
        Ok(done)
    });
    done.await?.map_err(ApiError::new)
}

fn check(permit: &Permit, decision: &QuarantineDecision) -> Result<(), ApiError> {
    match decision {
        QuarantineDecision::TakeAsIs | QuarantineDecision::TakeLikely => Ok(()),
        QuarantineDecision::TakeCorrected { dose, .. } => {
            dose.check(day_in_japan(permit.context().at)).map_err(refused)
        }
        QuarantineDecision::Drop { reason } => {
            let reason = WrittenReason::parse(reason).map(drop);
            reason.map_err(|_| ApiError::field("decision.drop.reason"))
        }
    }
}

fn refused(error: InvalidVaccination) -> ApiError {
    ApiError::field(match error {
        InvalidVaccination::DoseNumber => "decision.takeCorrected.dose.doseNumber",
        InvalidVaccination::FutureDate => "decision.takeCorrected.dose.date",
        InvalidVaccination::Text => "decision.takeCorrected.dose",
    })
}

fn word(decision: &QuarantineDecision) -> &'static str {
    match decision {
        QuarantineDecision::TakeAsIs => "takeAsIs",
        QuarantineDecision::TakeLikely => "takeLikely",
        QuarantineDecision::TakeCorrected { .. } => "takeCorrected",
        QuarantineDecision::Drop { .. } => "drop",
    }
}

/// How an act ends early: with an answer for whoever asked, or because it can't be done.
enum Ended {
    Refused(&'static ProblemKind),
    Failed(ApiError),
}

impl From<ApiError> for Ended {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<&'static ProblemKind> for Ended {
    fn from(kind: &'static ProblemKind) -> Self {
        Self::Refused(kind)
    }
}

struct Act<'a> {
    keys: &'a RoomKeys,
    permit: &'a Permit,
    operator: &'a OperatorId,
    request: &'a DecideQuarantine,
}

/// What a decision wrote into the register.
#[derive(Default)]
struct Written {
    subject: Option<SubjectId>,
    dose: Option<(uuid::Uuid, i32)>,
}

impl Act<'_> {
    /// What was begun before a refusal does not stay.
    fn settle(
        &self,
        tx: &mut Tx,
    ) -> Result<Result<QuarantineDecided, &'static ProblemKind>, ApiError> {
        match store::quarantine::all_or_nothing(tx, |tx| self.run(tx)) {
            Ok(done) => Ok(Ok(done)),
            Err(Ended::Refused(kind)) => Ok(Err(kind)),
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    fn run(&self, tx: &mut Tx) -> Result<QuarantineDecided, Ended> {
        let DecideQuarantine { id, version, decision } = self.request;
        let kept = store::quarantine::find(tx, self.keys, self.permit, *id)?;
        let kept = kept.ok_or(Ended::Refused(&common::NOT_FOUND))?;
        if !kept.is_open || u32::try_from(kept.version) != Ok(*version) {
            return Err(Ended::Refused(&ALREADY_DECIDED));
        }
        let written = match decision {
            QuarantineDecision::Drop { .. } => Written::default(),
            _ => self.take(tx, &kept)?,
        };
        let with = match decision {
            QuarantineDecision::TakeAsIs | QuarantineDecision::TakeLikely => None,
            other => Some(Zeroizing::new(serde_json::to_vec(other).map_err(|_| broken_row())?)),
        };
        let decided = Decided { word: word(decision), with, subject: written.subject };
        let by = self.operator.as_str();
        if !store::quarantine::decide(tx, self.keys, self.permit, (&kept, by), &decided)? {
            return Err(Ended::Refused(&ALREADY_DECIDED));
        }
        let number = |number: i32| u32::try_from(number).map_err(|_| broken_row());
        Ok(QuarantineDecided {
            id: *id,
            version: number(kept.version + 1)?,
            subject: written.subject.map(|subject| subject.0),
            vaccination: written.dose.map(|(id, _)| id),
            vaccination_version: written.dose.map(|(_, version)| number(version)).transpose()?,
        })
    }

    fn take(&self, tx: &mut Tx, kept: &Kept) -> Result<Written, Ended> {
        match (&kept.row, &self.request.decision) {
            (Row::Dose(given), QuarantineDecision::TakeCorrected { dose, subject }) => {
                let subject = subject.map(SubjectId).or(given.subject);
                self.take_dose(tx, kept, (subject, dose))
            }
            (Row::Dose(given), QuarantineDecision::TakeLikely) => {
                let (subject, dose) = meant(given, &kept.doubts)?;
                self.take_dose(tx, kept, (subject, dose))
            }
            (Row::Dose(given), _) => self.take_dose(tx, kept, (given.subject, &given.dose)),
            (Row::Subject(_), QuarantineDecision::TakeCorrected { .. }) => {
                Err(Ended::Refused(&NOT_A_DOSE))
            }
            (Row::Subject(row), QuarantineDecision::TakeLikely) => {
                let likely = kept.doubts.iter().find_map(|doubt| doubt.likely.as_ref());
                match likely {
                    Some(Likely::Person(same)) => self.take_as_the_same(tx, kept, (row, *same)),
                    _ => Err(Ended::Refused(&NO_LIKELY_ANSWER)),
                }
            }
            (Row::Subject(row), _) => self.take_as_another(tx, kept, row),
        }
    }

    /// A new dose, or the next version of the one that is there.
    fn take_dose(
        &self,
        tx: &mut Tx,
        kept: &Kept,
        (subject, dose): (Option<SubjectId>, &Vaccination),
    ) -> Result<Written, Ended> {
        let Self { keys, permit, .. } = self;
        let subject = subject.ok_or(Ended::Refused(&WHOSE_ROW))?;
        if dose.check(day_in_japan(permit.context().at)).is_err() {
            return Err(Ended::Refused(&NO_DOSE));
        }
        if register::subject::find(tx, keys, permit, subject)?.is_none() {
            return Err(Ended::Refused(&common::NOT_FOUND));
        }
        let id = keys.dose_id(&subject, dose.vaccine_kind.as_deref(), dose.dose_number);
        let held = register::vaccination::newest(tx, keys, permit, &subject)?;
        let before = held.into_iter().find(|held| held.id == id);
        let number = before.as_ref().map_or(0, |before| before.number);
        let is_there = before.as_ref().is_some_and(|before| {
            before.version.standing == Standing::InForce && before.version.vaccination == *dose
        });
        if is_there {
            return Ok(Written { subject: Some(subject), dose: Some((id.0, number)) });
        }
        if before.as_ref().is_some_and(|before| self.is_news(kept, before)) {
            return Err(Ended::Refused(&DOSE_REGISTERED));
        }
        let version = Version {
            vaccination: dose.clone(),
            provenance: self.provenance(kept),
            standing: Standing::InForce,
        };
        let next = (&subject, &id, number + 1);
        register::vaccination::insert(tx, keys, permit, next, &version)?;
        if let Some(before) = before {
            // Those who received it as it was hear what became of it.
            let after = Held { id, number: number + 1, version };
            change::queue_for(tx, keys, permit, &subject, (&before, Some(&after)))?;
        }
        Ok(Written { subject: Some(subject), dose: Some((id.0, number + 1)) })
    }

    /// Whether nobody was told that this dose is registered, who did not say what it is to be.
    fn is_news(&self, kept: &Kept, before: &Held) -> bool {
        let is_written_out =
            matches!(self.request.decision, QuarantineDecision::TakeCorrected { .. });
        let was_told = kept.doubts.iter().any(|doubt| doubt.kind == DoubtKind::RegisteredDiffers);
        before.version.standing == Standing::InForce && !is_written_out && !was_told
    }

    /// Somebody who only looks like a person of the register.
    fn take_as_another(
        &self,
        tx: &mut Tx,
        kept: &Kept,
        row: &SubjectRow,
    ) -> Result<Written, Ended> {
        let Self { keys, permit, .. } = self;
        let number = &row.individual_number;
        if register::subject::find_by_number(tx, keys, permit, number)?.is_some() {
            return Err(Ended::Refused(&room::problems::ALREADY_REGISTERED));
        }
        if register::subject::find_by_address(tx, keys, permit, &row.address_number)?.is_some() {
            return Err(Ended::Refused(&room::problems::ADDRESS_TAKEN));
        }
        let id = SubjectId::make_random();
        let provenance = Some(self.provenance(kept));
        let found = Found { id, version: 1, subject: person(row, Flags::default()), provenance };
        register::subject::insert(tx, keys, permit, &found)?;
        register::subject::insert_number(tx, keys, permit, number, &id)?;
        Ok(Written { subject: Some(id), dose: None })
    }

    /// A person of the register under a new number or address: the next version of the entry.
    fn take_as_the_same(
        &self,
        tx: &mut Tx,
        kept: &Kept,
        (row, same): (&SubjectRow, SubjectId),
    ) -> Result<Written, Ended> {
        let Self { keys, permit, .. } = self;
        let before = register::subject::find(tx, keys, permit, same)?;
        let before = before.ok_or(Ended::Refused(&common::NOT_FOUND))?;
        let by_address = register::subject::find_by_address(tx, keys, permit, &row.address_number)?;
        if by_address.is_some_and(|known| known != same) {
            return Err(Ended::Refused(&room::problems::ADDRESS_TAKEN));
        }
        let number = &row.individual_number;
        match register::subject::find_by_number(tx, keys, permit, number)? {
            Some(known) if known != same => {
                return Err(Ended::Refused(&room::problems::ALREADY_REGISTERED));
            }
            Some(_) => {}
            None => register::subject::insert_number(tx, keys, permit, number, &same)?,
        }
        let subject = person(row, before.subject.flags);
        let provenance = Some(self.provenance(kept));
        let next = Found { id: same, version: before.version + 1, subject, provenance };
        register::subject::insert(tx, keys, permit, &next)?;
        Ok(Written { subject: Some(same), dose: None })
    }

    fn provenance(&self, kept: &Kept) -> Provenance {
        let at_unix_s = self.permit.context().at.unix_timestamp();
        Provenance::Decided { operator: self.operator.clone(), quarantined: kept.id, at_unix_s }
    }
}

/// Whose dose it was and which, if every doubt has an answer.
fn meant<'a>(
    given: &'a GivenDose,
    doubts: &'a [Doubt],
) -> Result<(Option<SubjectId>, &'a Vaccination), Ended> {
    let mut answer = (given.subject, &given.dose);
    for doubt in doubts {
        match &doubt.likely {
            Some(Likely::Dose(dose)) => answer.1 = dose,
            Some(Likely::Voucher(voucher)) => answer.0 = Some(voucher.subject),
            Some(Likely::Person(_)) | None => return Err(Ended::Refused(&NO_LIKELY_ANSWER)),
        }
    }
    Ok(answer)
}

#[cfg(test)]
#[path = "quarantine_tests.rs"]
mod tests;
