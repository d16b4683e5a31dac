//! Who received a dose is told what became of it: exactly those, and each once.
//!
//! A change has one id, its origin, in every room it comes to.  A room tells those to whom it gave
//! the dose itself; they tell those to whom they passed it on.  No room tells of one change twice, so
//! this ends, and nobody learns of anybody else.

use std::collections::BTreeMap;

use crate::letter::{Correction, Ground, Letter, Outbound};
use crate::store::notice_out::{NoticeOut, State};
use crate::store::vaccination::Held;
use crate::{operation_log, store};
use crypto::RoomKeys;
use db::Tx;
use domain::subject::SubjectId;
use domain::vaccination::{Standing, Vaccination};
use domain::{Actor, MunicipalityCode, NoticeId, NoticeKind, OperatorId, Permit, TerminalId};
use service::{ApiError, problems as common};
use uuid::Uuid;

/// Queues a notice to each municipality that received the dose as it was in any earlier version, in
/// the transaction of the change; returns how many there are.  `None` is a dose that was withdrawn.
pub fn queue_for(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: &SubjectId,
    (before, after): (&Held, Option<&Held>),
) -> Result<usize, ApiError> {
    let versions = store::vaccination::versions(tx, keys, permit, subject)?;
    let is_earlier = |held: &Held| held.id == before.id && held.number <= before.number;
    let mut earlier: Vec<Vaccination> = Vec::new();
    for held in versions.into_iter().filter(is_earlier) {
        if !earlier.contains(&held.version.vaccination) {
            earlier.push(held.version.vaccination);
        }
    }
    let after = after.filter(|held| held.version.standing == Standing::InForce);
    let after = after.map(|held| held.version.vaccination.clone());
    let change = Change { origin: Uuid::now_v7(), correction: Correction { earlier, after } };
    change.queue(tx, keys, permit, (subject, None))
}

/// One change of a dose, as every room that hears of it knows it.
#[derive(Debug)]
pub struct Change {
    pub origin: Uuid,
    pub correction: Correction,
}

/// What a municipality has heard of a person from this room.
#[derive(Default)]
struct Heard {
    doses: Vec<Vaccination>,
    grounds: Vec<Ground>,
}

impl Change {
    /// Queues a notice to each municipality that heard of the dose from this room, but for the one
    /// that tells, and for those that have been told.
    pub fn queue(
        &self,
        tx: &mut Tx,
        keys: &RoomKeys,
        permit: &Permit,
        (subject, teller): (&SubjectId, Option<MunicipalityCode>),
    ) -> Result<usize, ApiError> {
        let mut queued = 0;
        for (recipient, heard) in self.heard(tx, keys, permit, subject)? {
            let is_told = store::notice_out::is_told(tx, permit, self.origin, recipient)?;
            if is_told || Some(recipient) == teller {
                continue;
            }
            // Nobody hears of a version that was never theirs.
            let earlier = self.correction.earlier.iter().filter(|dose| heard.doses.contains(dose));
            let correction = Correction {
                earlier: earlier.cloned().collect(),
                after: self.correction.after.clone(),
            };
            let letter = Letter::new(correction.write()?, self.origin)?;
            let what = (NoticeKind::Corrected, letter, heard.grounds);
            insert(tx, keys, permit, (*subject, recipient), what)?;
            queued += 1;
        }
        Ok(queued)
    }

    /// Whether this is a later change of the same dose, by which the earlier one needs nobody any
    /// more.  An origin begins with its time.
    pub fn goes_on_from(&self, before: &Self) -> bool {
        let mut known = before.correction.earlier.iter().chain(&before.correction.after);
        before.origin < self.origin
            && before.correction.after.is_some()
            && known.all(|dose| self.correction.earlier.contains(dose))
    }

    /// Who heard of the dose from this room in any earlier version, and by which inquiries.
    fn heard(
        &self,
        tx: &mut Tx,
        keys: &RoomKeys,
        permit: &Permit,
        subject: &SubjectId,
    ) -> Result<BTreeMap<MunicipalityCode, Heard>, ApiError> {
        let mut all: BTreeMap<MunicipalityCode, Heard> = BTreeMap::new();
        let mut hear = |who: MunicipalityCode, doses: &[Vaccination], grounds: &[Ground]| {
            if doses.iter().any(|dose| self.correction.earlier.contains(dose)) {
                let heard = all.entry(who).or_default();
                heard.doses.extend_from_slice(doses);
                // The newest first.
                heard.grounds.splice(0..0, grounds.iter().copied());
            }
        };
        let mut page = store::provision::page_of(tx, keys, permit, *subject, None)?;
        while let Some(last) = page.last() {
            for one in &page {
                let ground = Ground { inquiry: one.inquiry, released: false };
                hear(one.inquirer, &one.content.vaccinations, &[ground]);
            }
            page = store::provision::page_of(tx, keys, permit, *subject, Some(last))?;
        }
        for one in store::notice_out::of_subject(tx, keys, permit, subject)? {
            let Outbound { letter, grounds, .. } = &one.outbound;
            match (one.state, one.kind) {
                (State::Void | State::Gone, _) => {}
                (_, NoticeKind::Corrected) => {
                    let after: Vec<_> = letter.correction()?.after.into_iter().collect();
                    hear(one.recipient, &after, grounds);
                }
                (_, NoticeKind::Released) => hear(one.recipient, &letter.doses()?, grounds),
            }
        }
        Ok(all)
    }
}

/// Queues one notice.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (subject, recipient): (SubjectId, MunicipalityCode),
    (kind, letter, grounds): (NoticeKind, Letter, Vec<Ground>),
) -> Result<(), ApiError> {
    let (operator, terminal) = cause(permit)?;
    let notice = NoticeOut {
        id: NoticeId::make_random(),
        recipient,
        subject,
        kind,
        inquiry: None,
        state: State::Queued,
        outbound: Outbound { letter, operator, terminal, grounds },
        queued_at_unix_ms: operation_log::unix_ms(permit.context().at),
        tries: 0,
        receipt: None,
    };
    store::notice_out::insert(tx, keys, permit, &notice)
}

/// Who caused it, from where, as the provision log will say: an operator, a system, or this room's
/// own work when it passes on what another room told.
fn cause(permit: &Permit) -> Result<(OperatorId, TerminalId), ApiError> {
    let machine = |name: &str| {
        let (operator, terminal) = (OperatorId::parse(name), TerminalId::parse(name));
        let ids = operator.ok().zip(terminal.ok());
        ids.ok_or_else(|| ApiError::new(&common::INTERNAL))
    };
    match &permit.context().actor {
        Actor::Operator { id, terminal, .. } => Ok((id.clone(), terminal.clone())),
        Actor::System { system, .. } => machine(system.as_str()),
        Actor::Service { .. } => machine("passed-on"),
        _ => Err(ApiError::new(&common::DENIED)),
    }
}
