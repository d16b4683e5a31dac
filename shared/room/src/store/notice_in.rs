//! What other municipalities said after an inquiry had ended.

use std::collections::HashMap;

use crypto::{Cell, RoomKeys};
use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{InquiryId, MunicipalityCode, NoticeId, NoticeKind, OperatorId, Permit};
use service::ApiError;
use wire::notices::{ListNotices, NoticeState};
use wire::provision_log::Receipt;

use super::schema::notice_in;
use super::{broken_row, failed, read_uuid};
use crate::letter::Letter;
use crate::operation_log::unix_ms;

#[derive(Clone, Debug)]
pub struct NoticeIn {
    pub id: NoticeId,
    pub sender: MunicipalityCode,
    pub subject: SubjectId,
    pub kind: NoticeKind,
    pub inquiry: InquiryId,
    pub state: NoticeState,
    pub letter: Letter,
    pub log_index: u64,
    pub received_at_unix_ms: i64,
}

const STATES: [NoticeState; 6] = [
    NoticeState::Open,
    NoticeState::Adopted,
    NoticeState::Seen,
    NoticeState::Kept,
    NoticeState::Superseded,
    NoticeState::Again,
];

fn name(state: NoticeState) -> &'static str {
    match state {
        NoticeState::Open => "open",
        NoticeState::Adopted => "adopted",
        NoticeState::Seen => "seen",
        NoticeState::Kept => "kept",
        NoticeState::Superseded => "superseded",
        NoticeState::Again => "again",
    }
}

fn cell(id: &NoticeId) -> Cell<'_> {
    Cell { table: "notice_in", column: "sealed", row: id.0.as_bytes(), version: 1 }
}

fn receipt_cell(id: &NoticeId) -> Cell<'_> {
    Cell { table: "notice_in", column: "receipt_sealed", row: id.0.as_bytes(), version: 1 }
}

/// Keeps a notice with the proof that it is in the provision log.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    notice: &NoticeIn,
    receipt: &Receipt,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let proof = serde_json::to_vec(receipt).map_err(|_| broken_row())?;
    diesel::insert_into(notice_in::table)
        .values((
            notice_in::municipality.eq(code.as_str()),
            notice_in::id.eq(notice.id.0.as_bytes().as_slice()),
            notice_in::origin.eq(notice.letter.origin.as_bytes().as_slice()),
            notice_in::sender.eq(notice.sender.as_str()),
            notice_in::subject_id.eq(notice.subject.0.as_bytes().as_slice()),
            notice_in::kind.eq(notice.kind.as_str()),
            notice_in::inquiry_id.eq(notice.inquiry.0.as_bytes().as_slice()),
            notice_in::state.eq(name(notice.state)),
            notice_in::sealed.eq(keys.seal(&cell(&notice.id), &notice.letter.write()?)?),
            notice_in::log_index.eq(i64::try_from(notice.log_index).map_err(|_| broken_row())?),
            notice_in::receipt_sealed.eq(keys.seal(&receipt_cell(&notice.id), &proof)?),
            notice_in::received_at_unix_ms.eq(notice.received_at_unix_ms),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Head = (Vec<u8>, String, Vec<u8>, String, Vec<u8>);
type Row = (Head, String, Vec<u8>, (i64, i64));

fn read(keys: &RoomKeys, (head, state, sealed, numbers): Row) -> Result<NoticeIn, ApiError> {
    let (id, sender, subject, kind, inquiry) = head;
    let id = NoticeId(read_uuid(&id)?);
    let plain = keys.open(&cell(&id), &sealed)?;
    Ok(NoticeIn {
        id,
        sender: MunicipalityCode::parse(&sender).map_err(|_| broken_row())?,
        subject: SubjectId(read_uuid(&subject)?),
        kind: super::notice_kind(&kind)?,
        inquiry: InquiryId(read_uuid(&inquiry)?),
        state: STATES.into_iter().find(|one| name(*one) == state).ok_or_else(broken_row)?,
        letter: Letter::read(&plain).map_err(|_| broken_row())?,
        log_index: u64::try_from(numbers.0).map_err(|_| broken_row())?,
        received_at_unix_ms: numbers.1,
    })
}

macro_rules! columns {
    () => {
        (
            (
                notice_in::id,
                notice_in::sender,
                notice_in::subject_id,
                notice_in::kind,
                notice_in::inquiry_id,
            ),
            notice_in::state,
            notice_in::sealed,
            (notice_in::log_index, notice_in::received_at_unix_ms),
        )
    };
}

pub fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: NoticeId,
) -> Result<Option<NoticeIn>, ApiError> {
    let code = permit.municipality();
    let row: Option<Row> = notice_in::table
        .filter(notice_in::municipality.eq(code.as_str()))
        .filter(notice_in::id.eq(id.0.as_bytes().as_slice()))
        .select(columns!())
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|row| read(keys, row)).transpose()
}

/// A page, the newest first.
pub fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    page: &ListNotices,
) -> Result<Vec<NoticeIn>, ApiError> {
    let code = permit.municipality();
    // What came again by another way tells nobody anything.
    let is_shown = |state: &NoticeState| match page.only_open {
        true => *state == NoticeState::Open,
        false => *state != NoticeState::Again,
    };
    let states: Vec<&str> = STATES.into_iter().filter(is_shown).map(name).collect();
    let query = notice_in::table
        .filter(notice_in::municipality.eq(code.as_str()))
        .filter(notice_in::state.eq_any(states))
        .order((notice_in::received_at_unix_ms.desc(), notice_in::id.desc()))
        .offset(i64::try_from(page.from).map_err(|_| ApiError::field("from"))?)
        .limit(i64::from(page.limit))
        .select(columns!());
    let rows: Vec<Row> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// All that was said about a person, oldest first.
pub fn of_subject(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: &SubjectId,
) -> Result<Vec<NoticeIn>, ApiError> {
    let code = permit.municipality();
    let rows: Vec<Row> = notice_in::table
        .filter(notice_in::municipality.eq(code.as_str()))
        .filter(notice_in::subject_id.eq(subject.0.as_bytes().as_slice()))
        .order((notice_in::received_at_unix_ms, notice_in::id))
        .select(columns!())
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// Closes an open notice; `by` is nobody where a later notice does it.
pub fn close(
    tx: &mut Tx,
    permit: &Permit,
    (id, state): (NoticeId, NoticeState),
    by: Option<&OperatorId>,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let row = notice_in::table
        .filter(notice_in::municipality.eq(code.as_str()))
        .filter(notice_in::id.eq(id.0.as_bytes().as_slice()))
        .filter(notice_in::state.eq(name(NoticeState::Open)));
    let values = (
        notice_in::state.eq(name(state)),
        notice_in::decided_by.eq(by.map(OperatorId::as_str)),
        notice_in::decided_at_unix_ms.eq(unix_ms(permit.context().at)),
    );
    diesel::update(row).set(values).execute(tx).map(drop).map_err(failed)
}

/// Which of these notices this room has got, and from whom.
pub fn senders(
    tx: &mut Tx,
    permit: &Permit,
    notices: &[NoticeId],
) -> Result<HashMap<NoticeId, String>, ApiError> {
    let code = permit.municipality();
    let ids: Vec<&[u8]> = notices.iter().map(|id| id.0.as_bytes().as_slice()).collect();
    let query = notice_in::table
        .filter(notice_in::municipality.eq(code.as_str()))
        .filter(notice_in::id.eq_any(&ids))
        .select((notice_in::id, notice_in::sender));
    let rows: Vec<(Vec<u8>, String)> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    rows.into_iter().map(|(id, who)| Ok((NoticeId(read_uuid(&id)?), who))).collect()
}
