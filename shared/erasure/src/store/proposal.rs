use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use room::operation_log::unix_ms;
use room::store::{broken_row, failed, read_uuid};
use serde::{Deserialize, Serialize};
use service::ApiError;
use uuid::Uuid;
use wire::erasure::{
    DoseHandle, ErasedTable, Erasure, ErasureReason, ErasureScope, ErasureState, ExpiringClass,
};

use super::personal::{Set, Whose, hex};
use super::schema::{erasure, erasure_record};
use super::{read_word, word};

/// How many proposals are shown at once.
const SHOWN_MAX: i64 = 100;

/// What a proposal is about, with the doses of a class that were found to have expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scope {
    pub asked: ErasureScope,
    pub expired: Vec<DoseHandle>,
    /// Doubtful rows that were decided on long enough ago.
    #[serde(default)]
    pub doubts: Vec<Uuid>,
}

impl Scope {
    pub(crate) fn whose(&self) -> Vec<Whose> {
        let expired = self.expired.iter().copied().map(Whose::Dose);
        match &self.asked {
            ErasureScope::Persons { subjects } => {
                subjects.iter().copied().map(Whose::Person).collect()
            }
            ErasureScope::Doses { doses } => doses.iter().copied().map(Whose::Dose).collect(),
            ErasureScope::Expired { .. } => {
                expired.chain(self.doubts.iter().copied().map(Whose::Doubt)).collect()
            }
        }
    }

    pub(crate) fn class(&self) -> Option<ExpiringClass> {
        match self.asked {
            ErasureScope::Expired { class } => Some(class),
            _ => None,
        }
    }
}

/// A proposal as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub id: Uuid,
    pub state: ErasureState,
    pub reason: ErasureReason,
    pub scope: Scope,
    pub set: Set,
    pub proposed_by: String,
    pub first_person: Option<String>,
    pub second_person: Option<String>,
    pub proposed_at_unix_ms: i64,
    pub ended_at_unix_ms: Option<i64>,
}

impl Proposal {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, ErasureState::Proposed | ErasureState::Confirmed)
    }

    /// What supervisors are shown.
    pub(crate) fn shown(self) -> Result<Erasure, ApiError> {
        let whose = self.scope.whose();
        let mut subjects: Vec<Uuid> = whose.iter().filter_map(Whose::subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let doses = whose.iter().filter(|one| matches!(one, Whose::Dose(_))).count();
        Ok(Erasure {
            erasure: self.id,
            state: self.state,
            reason: self.reason,
            scope: serde_json::to_string(&self.scope.asked).map_err(|_| broken_row())?,
            persons: subjects.len(),
            doses,
            tables: self.set.tables,
            digest: hex(&self.set.digest),
            proposed_by: self.proposed_by,
            first_person: self.first_person,
            second_person: self.second_person,
            proposed_at_unix_ms: self.proposed_at_unix_ms,
            ended_at_unix_ms: self.ended_at_unix_ms,
        })
    }
}

pub(crate) fn insert(tx: &mut Tx, permit: &Permit, proposal: &Proposal) -> Result<(), ApiError> {
    let json = |value: Result<String, _>| value.map_err(|_: serde_json::Error| broken_row());
    diesel::insert_into(erasure::table)
        .values((
            erasure::municipality.eq(permit.municipality().as_str()),
            erasure::id.eq(proposal.id.as_bytes().as_slice()),
            erasure::state.eq(word(&proposal.state)?),
            erasure::reason.eq(word(&proposal.reason)?),
            erasure::scope.eq(json(serde_json::to_string(&proposal.scope))?),
            erasure::digest.eq(proposal.set.digest.as_slice()),
            erasure::tables.eq(json(serde_json::to_string(&proposal.set.tables))?),
            erasure::proposed_by.eq(&proposal.proposed_by),
            erasure::first_person.eq(&proposal.first_person),
            erasure::proposed_at_unix_ms.eq(proposal.proposed_at_unix_ms),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Row = (
    (Vec<u8>, String, String, String),
    (Vec<u8>, String),
    (String, Option<String>, Option<String>),
    (i64, Option<i64>),
);

type Columns = (
    (erasure::id, erasure::state, erasure::reason, erasure::scope),
    (erasure::digest, erasure::tables),
    (erasure::proposed_by, erasure::first_person, erasure::second_person),
    (erasure::proposed_at_unix_ms, erasure::ended_at_unix_ms),
);

const COLUMNS: Columns = (
    (erasure::id, erasure::state, erasure::reason, erasure::scope),
    (erasure::digest, erasure::tables),
    (erasure::proposed_by, erasure::first_person, erasure::second_person),
    (erasure::proposed_at_unix_ms, erasure::ended_at_unix_ms),
);

fn read(row: Row) -> Result<Proposal, ApiError> {
    let ((id, state, reason, scope), (digest, tables), people, times) = row;
    let (proposed_by, first_person, second_person) = people;
    let tables: Vec<ErasedTable> = serde_json::from_str(&tables).map_err(|_| broken_row())?;
    let digest = digest.as_slice().try_into().map_err(|_| broken_row())?;
    Ok(Proposal {
        id: read_uuid(&id)?,
        state: read_word(state)?,
        reason: read_word(reason)?,
        scope: serde_json::from_str(&scope).map_err(|_| broken_row())?,
        set: Set { tables, digest },
        proposed_by,
        first_person,
        second_person,
        proposed_at_unix_ms: times.0,
        ended_at_unix_ms: times.1,
    })
}

pub(crate) fn find(tx: &mut Tx, permit: &Permit, id: Uuid) -> Result<Option<Proposal>, ApiError> {
    let row: Option<Row> = erasure::table
        .filter(erasure::municipality.eq(permit.municipality().as_str()))
        .filter(erasure::id.eq(id.as_bytes().as_slice()))
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

/// The newest proposals.
pub(crate) fn list(tx: &mut Tx, permit: &Permit) -> Result<Vec<Proposal>, ApiError> {
    let rows: Vec<Row> = erasure::table
        .filter(erasure::municipality.eq(permit.municipality().as_str()))
        .order((erasure::proposed_at_unix_ms.desc(), erasure::id))
        .limit(SHOWN_MAX)
        .select(COLUMNS)
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(read).collect()
}

/// Proposals that wait for people.
pub(crate) fn open(tx: &mut Tx, permit: &Permit) -> Result<Vec<Proposal>, ApiError> {
    let rows: Vec<Row> = erasure::table
        .filter(erasure::municipality.eq(permit.municipality().as_str()))
        .filter(erasure::ended_at_unix_ms.is_null())
        .select(COLUMNS)
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(read).collect()
}

/// Keeps what has become of a proposal.
pub(crate) fn change(tx: &mut Tx, permit: &Permit, proposal: &Proposal) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let row = erasure::table
        .filter(erasure::municipality.eq(municipality.as_str()))
        .filter(erasure::id.eq(proposal.id.as_bytes().as_slice()));
    diesel::update(row)
        .set((
            erasure::state.eq(word(&proposal.state)?),
            erasure::first_person.eq(&proposal.first_person),
            erasure::second_person.eq(&proposal.second_person),
            erasure::ended_at_unix_ms.eq(proposal.ended_at_unix_ms),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// Keeps the record of what was erased.
pub(crate) fn record(
    tx: &mut Tx,
    permit: &Permit,
    (id, body): (Uuid, &[u8]),
) -> Result<(), ApiError> {
    diesel::insert_into(erasure_record::table)
        .values((
            erasure_record::municipality.eq(permit.municipality().as_str()),
            erasure_record::erasure_id.eq(id.as_bytes().as_slice()),
            erasure_record::body.eq(body),
            erasure_record::erased_at_unix_ms.eq(unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// When something was last erased.
pub(crate) fn last_erased_at(tx: &mut Tx, permit: &Permit) -> Result<Option<i64>, ApiError> {
    erasure_record::table
        .filter(erasure_record::municipality.eq(permit.municipality().as_str()))
        .select(diesel::dsl::max(erasure_record::erased_at_unix_ms))
        .first(tx)
        .map_err(failed)
}
