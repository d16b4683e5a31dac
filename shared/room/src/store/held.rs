//! Inquiries about withheld persons, and what people decided.

use crypto::{Cell, RoomKeys};
use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{InquiryId, MunicipalityCode, OperatorId, Permit};
use service::ApiError;
use wire::notices::{HeldState, ListHeld};

use super::schema::held_inquiry;
use super::{broken_row, failed, read_uuid};
use crate::operation_log::unix_ms;

#[derive(Clone, Debug)]
pub struct Held {
    pub inquiry: InquiryId,
    pub inquirer: MunicipalityCode,
    pub subject: SubjectId,
    pub procedure: String,
    pub legal_basis: String,
    pub held_at_unix_ms: i64,
    pub state: HeldState,
    pub proposal: Option<Proposal>,
    pub decided_by: Option<String>,
}

/// What one person wants to release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub by: OperatorId,
    pub digest: Vec<u8>,
}

const STATES: [HeldState; 4] =
    [HeldState::Pending, HeldState::Released, HeldState::Refused, HeldState::TimedOut];

fn name(state: HeldState) -> &'static str {
    match state {
        HeldState::Pending => "pending",
        HeldState::Released => "released",
        HeldState::Refused => "refused",
        HeldState::TimedOut => "timedOut",
    }
}

fn cell(id: &InquiryId) -> Cell<'_> {
    Cell { table: "held_inquiry", column: "proposal_sealed", row: id.0.as_bytes(), version: 1 }
}

type Row = (
    (Vec<u8>, String, Vec<u8>),
    (String, String),
    (i64, String),
    (Option<Vec<u8>>, Option<String>),
    Option<String>,
);

fn read(
    keys: &RoomKeys,
    (names, law, (held_at, state), proposal, by): Row,
) -> Result<Held, ApiError> {
    let (inquiry, inquirer, subject) = names;
    let inquiry = InquiryId(read_uuid(&inquiry)?);
    let proposal = match proposal {
        (Some(sealed), Some(by)) => Some(Proposal {
            by: OperatorId::parse(&by).map_err(|_| broken_row())?,
            digest: keys.open(&cell(&inquiry), &sealed)?.to_vec(),
        }),
        (None, None) => None,
        _ => return Err(broken_row()),
    };
    Ok(Held {
        inquiry,
        inquirer: MunicipalityCode::parse(&inquirer).map_err(|_| broken_row())?,
        subject: SubjectId(read_uuid(&subject)?),
        procedure: law.0,
        legal_basis: law.1,
        held_at_unix_ms: held_at,
        state: STATES.into_iter().find(|one| name(*one) == state).ok_or_else(broken_row)?,
        proposal,
        decided_by: by,
    })
}

macro_rules! columns {
    () => {
        (
            (held_inquiry::inquiry_id, held_inquiry::inquirer, held_inquiry::subject_id),
            (held_inquiry::procedure, held_inquiry::legal_basis),
            (held_inquiry::held_at_unix_ms, held_inquiry::state),
            (held_inquiry::proposal_sealed, held_inquiry::proposed_by),
            held_inquiry::decided_by,
        )
    };
}

pub fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    inquiry: InquiryId,
) -> Result<Option<Held>, ApiError> {
    let code = permit.municipality();
    let row: Option<Row> = held_inquiry::table
        .filter(held_inquiry::municipality.eq(code.as_str()))
        .filter(held_inquiry::inquiry_id.eq(inquiry.0.as_bytes().as_slice()))
        .select(columns!())
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|row| read(keys, row)).transpose()
}

/// A page, oldest first; those on which nobody has decided, or all.
pub fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    page: &ListHeld,
) -> Result<Vec<Held>, ApiError> {
    let code = permit.municipality();
    let from = i64::try_from(page.from).map_err(|_| ApiError::field("from"))?;
    let states: Vec<&str> = match page.with_decided {
        true => STATES.into_iter().map(name).collect(),
        false => vec!["pending"],
    };
    let query = held_inquiry::table
        .filter(held_inquiry::municipality.eq(code.as_str()))
        .filter(held_inquiry::state.eq_any(states))
        .order((held_inquiry::held_at_unix_ms, held_inquiry::inquiry_id))
        .offset(from)
        .limit(i64::from(page.limit))
        .select(columns!());
    let rows: Vec<Row> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// Keeps what the first person wants to release, or that nobody does any more.
pub fn propose(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    inquiry: InquiryId,
    proposal: Option<&Proposal>,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let sealed = proposal.map(|one| keys.seal(&cell(&inquiry), &one.digest)).transpose()?;
    let row = held_inquiry::table
        .filter(held_inquiry::municipality.eq(code.as_str()))
        .filter(held_inquiry::inquiry_id.eq(inquiry.0.as_bytes().as_slice()))
        .filter(held_inquiry::state.eq("pending"));
    let values = (
        held_inquiry::proposal_sealed.eq(sealed),
        held_inquiry::proposed_by.eq(proposal.map(|one| one.by.as_str())),
        held_inquiry::proposed_at_unix_ms.eq(proposal.map(|_| unix_ms(permit.context().at))),
    );
    diesel::update(row).set(values).execute(tx).map(drop).map_err(failed)
}

/// Ends a pending one; `false` if it had ended before.
pub fn decide(
    tx: &mut Tx,
    permit: &Permit,
    (inquiry, state): (InquiryId, HeldState),
    by: Option<&OperatorId>,
) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let row = held_inquiry::table
        .filter(held_inquiry::municipality.eq(code.as_str()))
        .filter(held_inquiry::inquiry_id.eq(inquiry.0.as_bytes().as_slice()))
        .filter(held_inquiry::state.eq("pending"));
    let values = (
        held_inquiry::state.eq(name(state)),
        held_inquiry::decided_by.eq(by.map(OperatorId::as_str)),
        held_inquiry::decided_at_unix_ms.eq(unix_ms(permit.context().at)),
    );
    Ok(diesel::update(row).set(values).execute(tx).map_err(failed)? == 1)
}

/// The pending ones that have waited since before a moment.
pub fn overdue(
    tx: &mut Tx,
    permit: &Permit,
    (before_unix_ms, limit): (i64, u16),
) -> Result<Vec<InquiryId>, ApiError> {
    let code = permit.municipality();
    let rows: Vec<Vec<u8>> = held_inquiry::table
        .filter(held_inquiry::municipality.eq(code.as_str()))
        .filter(held_inquiry::state.eq("pending"))
        .filter(held_inquiry::held_at_unix_ms.le(before_unix_ms))
        .order((held_inquiry::held_at_unix_ms, held_inquiry::inquiry_id))
        .limit(i64::from(limit))
        .select(held_inquiry::inquiry_id)
        .load(tx)
        .map_err(failed)?;
    rows.iter().map(|id| read_uuid(id).map(InquiryId)).collect()
}
