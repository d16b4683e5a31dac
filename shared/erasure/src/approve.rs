//! A second person erases exactly what was shown, or nothing.

use crypto::{RoomKeys, sha256};
use db::Tx;
use domain::{Action, Permit};
use room::Host;
use room::operation_log::{About, entry, unix_ms};
use room::store::broken_row;
use serde::Serialize;
use service::problems::ProblemKind;
use service::{ApiError, problems as common};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;
use wire::erasure::{
    ApproveErasure, DoseHandle, ErasedTable, Erasure, ErasureReason, ErasureState,
};

use crate::people::person;
use crate::propose::is_held;
use crate::retention::{self, Retention};
use crate::store::personal::{self, Whose, hex};
use crate::store::proposal::Proposal;
use crate::{problems, store};

pub(crate) async fn approve(
    host: &Host,
    permit: Permit,
    request: ApproveErasure,
) -> Result<Erasure, ApiError> {
    permit.expect_action(Action::ApproveErasure)?;
    let room = host.room(permit.municipality())?;
    let (keys, who) = (room.keys()?, person(&permit)?);
    let retention = Retention::of(host, permit.municipality());
    let decided = room
        .queue
        .write(move |tx, acts| {
            let by = By { keys: &keys, permit: &permit, who: &who, retention: &retention };
            let (result, purpose) = match by.decide(tx, &request)? {
                Decided::Erased(proposal, record) => {
                    let digest = format!("record sha256:{}", hex(&sha256(&record)));
                    (Ok(*proposal), digest)
                }
                Decided::Known(proposal) => (Ok(*proposal), String::new()),
                Decided::Refused(kind) => (Err(kind), String::new()),
            };
            let word = match &result {
                Ok(proposal) => state_word(proposal),
                Err(kind) => kind.code.to_owned(),
            };
            acts.add(entry(&permit, About { purpose, ..About::default() }, &word));
            Ok(result)
        })
        .await?;
    let proposal = decided.map_err(ApiError::new)?;
    if proposal.state == ErasureState::Erased {
        host.endings.ask(room.municipality);
    }
    proposal.shown()
}

fn state_word(proposal: &Proposal) -> String {
    let rows: usize = proposal.set.tables.iter().map(|table| table.rows).sum();
    match proposal.state {
        ErasureState::Erased => format!("erased {rows} rows"),
        ErasureState::Confirmed => "confirmed".to_owned(),
        ErasureState::Proposed => "proposed".to_owned(),
        ErasureState::Void => "void".to_owned(),
    }
}

enum Decided {
    /// With the record of it.
    Erased(Box<Proposal>, Vec<u8>),
    /// Agreed by the first of two persons, or decided on before.
    Known(Box<Proposal>),
    Refused(&'static ProblemKind),
}

struct By<'a> {
    keys: &'a RoomKeys,
    permit: &'a Permit,
    who: &'a str,
    retention: &'a Retention,
}

impl By<'_> {
    fn decide(&self, tx: &mut Tx, request: &ApproveErasure) -> Result<Decided, ApiError> {
        let permit = self.permit;
        let Some(mut proposal) = store::proposal::find(tx, permit, request.erasure)? else {
            return Ok(Decided::Refused(&common::NOT_FOUND));
        };
        let is_mine = |person: &Option<String>| person.as_deref() == Some(self.who);
        let is_known = request.digest == hex(&proposal.set.digest);
        if !proposal.is_open() {
            let is_retry = is_known
                && proposal.state == ErasureState::Erased
                && is_mine(&proposal.second_person);
            let known = Decided::Known(Box::new(proposal));
            return Ok(if is_retry { known } else { Decided::Refused(&problems::ENDED) });
        }
        if !is_known {
            return Ok(Decided::Refused(&problems::CHANGED));
        }
        if is_mine(&proposal.first_person) && proposal.state == ErasureState::Confirmed {
            return Ok(Decided::Known(Box::new(proposal)));
        }
        if is_mine(&proposal.first_person) {
            return Ok(Decided::Refused(&problems::SAME_PERSON));
        }
        let whose = proposal.scope.whose();
        if is_held(tx, permit, &proposal.scope, &whose)? {
            return Ok(Decided::Refused(&problems::HELD));
        }
        if !self.is_as_shown(tx, &proposal, &whose)? {
            proposal.state = ErasureState::Void;
            proposal.ended_at_unix_ms = Some(unix_ms(permit.context().at));
            store::proposal::change(tx, permit, &proposal)?;
            return Ok(Decided::Refused(&problems::CHANGED));
        }
        if proposal.first_person.is_none() {
            proposal.state = ErasureState::Confirmed;
            proposal.first_person = Some(self.who.to_owned());
            store::proposal::change(tx, permit, &proposal)?;
            return Ok(Decided::Known(Box::new(proposal)));
        }
        self.erase(tx, proposal, &whose)
    }

    /// Whether these are still the rows that were shown, and their time is over if that was the
    /// reason.
    fn is_as_shown(
        &self,
        tx: &mut Tx,
        proposal: &Proposal,
        whose: &[Whose],
    ) -> Result<bool, ApiError> {
        if personal::set(tx, self.permit, whose)? != proposal.set {
            return Ok(false);
        }
        let mut over: HashMap<Uuid, HashSet<DoseHandle>> = HashMap::new();
        for dose in &proposal.scope.expired {
            if !over.contains_key(&dose.subject) {
                let (keys, subject) = (self.keys, dose.subject);
                let doses = retention::over(tx, (keys, self.permit), self.retention, subject)?;
                over.insert(subject, doses.into_iter().collect());
            }
        }
        if !proposal.scope.doubts.is_empty() {
            let doubts = retention::doubts_over(tx, self.permit, self.retention)?;
            let doubts: HashSet<Uuid> = doubts.into_iter().collect();
            if !proposal.scope.doubts.iter().all(|id| doubts.contains(id)) {
                return Ok(false);
            }
        }
        let is_over = |dose: &DoseHandle| over.get(&dose.subject).is_some_and(|o| o.contains(dose));
        Ok(proposal.scope.expired.iter().all(is_over))
    }

    fn erase(
        &self,
        tx: &mut Tx,
        mut proposal: Proposal,
        whose: &[Whose],
    ) -> Result<Decided, ApiError> {
        let permit = self.permit;
        personal::end(tx, permit, (whose, &proposal.set))?;
        proposal.state = ErasureState::Erased;
        proposal.second_person = Some(self.who.to_owned());
        proposal.ended_at_unix_ms = Some(unix_ms(permit.context().at));
        store::proposal::change(tx, permit, &proposal)?;
        let record = Record::of(&proposal);
        let record = serde_json::to_vec(&record).map_err(|_| broken_row())?;
        store::proposal::record(tx, permit, (proposal.id, &record))?;
        Ok(Decided::Erased(Box::new(proposal), record))
    }
}

/// What is kept of an erasure, without a handle of anybody; its digest is in the operation log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    erasure: Uuid,
    kind: &'static str,
    reason: ErasureReason,
    persons: usize,
    proposed_by: &'a str,
    first_person: Option<&'a str>,
    second_person: Option<&'a str>,
    proposed_at_unix_ms: i64,
    erased_at_unix_ms: Option<i64>,
    tables: &'a [ErasedTable],
    digest: String,
}

impl<'a> Record<'a> {
    fn of(proposal: &'a Proposal) -> Self {
        use wire::erasure::ErasureScope::{Doses, Expired, Persons};
        let whose = proposal.scope.whose();
        let persons: HashSet<Uuid> = whose.iter().filter_map(Whose::subject).collect();
        Self {
            erasure: proposal.id,
            kind: match proposal.scope.asked {
                Persons { .. } => "persons",
                Doses { .. } => "doses",
                Expired { .. } => "expired",
            },
            reason: proposal.reason,
            persons: persons.len(),
            proposed_by: &proposal.proposed_by,
            first_person: proposal.first_person.as_deref(),
            second_person: proposal.second_person.as_deref(),
            proposed_at_unix_ms: proposal.proposed_at_unix_ms,
            erased_at_unix_ms: proposal.ended_at_unix_ms,
            tables: &proposal.set.tables,
            digest: hex(&proposal.set.digest),
        }
    }
}
