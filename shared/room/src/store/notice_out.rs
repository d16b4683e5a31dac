//! What is said to other municipalities after an inquiry has ended.

use std::collections::HashMap;

use crypto::{Cell, RoomKeys};
use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{InquiryId, MunicipalityCode, NoticeId, NoticeKind, Permit};
use service::ApiError;
use uuid::Uuid;
use wire::notices::ListNotices;
pub use wire::notices::SentState as State;
use wire::provision_log::Receipt;
use zeroize::Zeroizing;

use super::schema::notice_out;
use super::{broken_row, failed, read_uuid};
use crate::letter::Outbound;

const STATES: [State; 5] =
    [State::Queued, State::Logged, State::Delivered, State::Void, State::Gone];

fn name(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Logged => "logged",
        State::Delivered => "delivered",
        State::Void => "void",
        State::Gone => "gone",
    }
}

#[derive(Clone, Debug)]
pub struct NoticeOut {
    pub id: NoticeId,
    pub recipient: MunicipalityCode,
    pub subject: SubjectId,
    pub kind: NoticeKind,
    /// By which it goes, once that is known.
    pub inquiry: Option<InquiryId>,
    pub state: State,
    pub outbound: Outbound,
    pub queued_at_unix_ms: i64,
    pub tries: i32,
    pub receipt: Option<Receipt>,
}

fn cell(id: &NoticeId) -> Cell<'_> {
    Cell { table: "notice_out", column: "sealed", row: id.0.as_bytes(), version: 1 }
}

fn receipt_cell(id: &NoticeId) -> Cell<'_> {
    Cell { table: "notice_out", column: "receipt_sealed", row: id.0.as_bytes(), version: 1 }
}

/// Queues a notice in the transaction of what it tells of.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    notice: &NoticeOut,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let plain = Zeroizing::new(serde_json::to_vec(&notice.outbound).map_err(|_| broken_row())?);
    let inquiry = notice.inquiry.map(|id| id.0.as_bytes().to_vec());
    diesel::insert_into(notice_out::table)
        .values((
            notice_out::municipality.eq(code.as_str()),
            notice_out::id.eq(notice.id.0.as_bytes().as_slice()),
            notice_out::origin.eq(notice.outbound.letter.origin.as_bytes().as_slice()),
            notice_out::recipient.eq(notice.recipient.as_str()),
            notice_out::subject_id.eq(notice.subject.0.as_bytes().as_slice()),
            notice_out::kind.eq(notice.kind.as_str()),
            notice_out::inquiry_id.eq(inquiry),
            notice_out::state.eq(name(notice.state)),
            notice_out::sealed.eq(keys.seal(&cell(&notice.id), &plain)?),
            notice_out::queued_at_unix_ms.eq(notice.queued_at_unix_ms),
            notice_out::next_try_at_unix_ms.eq(notice.queued_at_unix_ms),
            notice_out::tries.eq(notice.tries),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// Whether this municipality has been told of this change, or is about to be.
pub fn is_told(
    tx: &mut Tx,
    permit: &Permit,
    origin: Uuid,
    recipient: MunicipalityCode,
) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let told = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::origin.eq(origin.as_bytes().as_slice()))
        .filter(notice_out::recipient.eq(recipient.as_str()));
    diesel::select(diesel::dsl::exists(told)).get_result(tx).map_err(failed)
}

/// Whether a change is one that this room has told of.
pub fn is_origin(tx: &mut Tx, permit: &Permit, origin: Uuid) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let told = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::origin.eq(origin.as_bytes().as_slice()));
    diesel::select(diesel::dsl::exists(told)).get_result(tx).map_err(failed)
}

type Head = (Vec<u8>, String, Vec<u8>, String, Option<Vec<u8>>);
type Row = (Head, String, Vec<u8>, (i64, i32), Option<Vec<u8>>);

fn read(
    keys: &RoomKeys,
    (head, state, sealed, times, receipt): Row,
) -> Result<NoticeOut, ApiError> {
    let (id, recipient, subject, kind, inquiry) = head;
    let id = NoticeId(read_uuid(&id)?);
    let outbound = keys.open(&cell(&id), &sealed)?;
    let receipt = receipt.map(|sealed| {
        let plain = keys.open(&receipt_cell(&id), &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| broken_row())
    });
    Ok(NoticeOut {
        id,
        recipient: MunicipalityCode::parse(&recipient).map_err(|_| broken_row())?,
        subject: SubjectId(read_uuid(&subject)?),
        kind: super::notice_kind(&kind)?,
        inquiry: inquiry.map(|id| read_uuid(&id).map(InquiryId)).transpose()?,
        state: STATES.into_iter().find(|one| name(*one) == state).ok_or_else(broken_row)?,
        outbound: serde_json::from_slice(&outbound).map_err(|_| broken_row())?,
        queued_at_unix_ms: times.0,
        tries: times.1,
        receipt: receipt.transpose()?,
    })
}

macro_rules! columns {
    () => {
        (
            (
                notice_out::id,
                notice_out::recipient,
                notice_out::subject_id,
                notice_out::kind,
                notice_out::inquiry_id,
            ),
            notice_out::state,
            notice_out::sealed,
            (notice_out::queued_at_unix_ms, notice_out::tries),
            notice_out::receipt_sealed,
        )
    };
}

/// All that was said about a person, oldest first.
pub fn of_subject(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: &SubjectId,
) -> Result<Vec<NoticeOut>, ApiError> {
    let code = permit.municipality();
    let rows: Vec<Row> = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::subject_id.eq(subject.0.as_bytes().as_slice()))
        .order((notice_out::queued_at_unix_ms, notice_out::id))
        .select(columns!())
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// A page, the newest first.
pub fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    page: &ListNotices,
) -> Result<Vec<NoticeOut>, ApiError> {
    let code = permit.municipality();
    let is_shown = |state: &State| !page.only_open || *state != State::Delivered;
    let states: Vec<&str> = STATES.into_iter().filter(is_shown).map(name).collect();
    let query = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::state.eq_any(states))
        .order((notice_out::queued_at_unix_ms.desc(), notice_out::id.desc()))
        .offset(i64::try_from(page.from).map_err(|_| ApiError::field("from"))?)
        .limit(i64::from(page.limit))
        .select(columns!());
    let rows: Vec<Row> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// What is to be sent now, oldest first.
pub fn due(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (now_unix_ms, limit): (i64, u16),
) -> Result<Vec<NoticeOut>, ApiError> {
    let code = permit.municipality();
    let rows: Vec<Row> = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::state.eq("queued").or(notice_out::state.eq("logged")))
        .filter(notice_out::next_try_at_unix_ms.le(now_unix_ms))
        .order((notice_out::next_try_at_unix_ms, notice_out::queued_at_unix_ms, notice_out::id))
        .limit(i64::from(limit))
        .select(columns!())
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read(keys, row)).collect()
}

/// Says by which inquiry a notice goes; a retry goes by the same.
pub fn set_inquiry(
    tx: &mut Tx,
    permit: &Permit,
    id: NoticeId,
    inquiry: InquiryId,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let row = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::id.eq(id.0.as_bytes().as_slice()))
        .filter(notice_out::inquiry_id.is_null());
    let inquiry = notice_out::inquiry_id.eq(inquiry.0.as_bytes().as_slice());
    diesel::update(row).set(inquiry).execute(tx).map(drop).map_err(failed)
}

/// Puts off all that waits for a recipient that is away.
pub fn put_off(
    tx: &mut Tx,
    permit: &Permit,
    recipient: MunicipalityCode,
    (next_try_at_unix_ms, tries): (i64, i32),
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let rows = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::recipient.eq(recipient.as_str()))
        .filter(notice_out::state.eq("queued").or(notice_out::state.eq("logged")));
    let values =
        (notice_out::next_try_at_unix_ms.eq(next_try_at_unix_ms), notice_out::tries.eq(tries));
    diesel::update(rows).set(values).execute(tx).map(drop).map_err(failed)
}

/// Puts off one notice, whose recipient may be there.
pub fn put_off_one(
    tx: &mut Tx,
    permit: &Permit,
    id: NoticeId,
    (next_try_at_unix_ms, tries): (i64, i32),
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let row = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::id.eq(id.0.as_bytes().as_slice()));
    let values =
        (notice_out::next_try_at_unix_ms.eq(next_try_at_unix_ms), notice_out::tries.eq(tries));
    diesel::update(row).set(values).execute(tx).map(drop).map_err(failed)
}

/// Moves a notice on; `false` if it had come so far before.
pub fn set_state(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (id, state): (NoticeId, State),
    receipt: Option<&Receipt>,
) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let row = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::id.eq(id.0.as_bytes().as_slice()))
        .filter(notice_out::state.eq("queued").or(notice_out::state.eq("logged")))
        .filter(notice_out::state.ne(name(state)));
    let Some(receipt) = receipt else {
        let changed = diesel::update(row).set(notice_out::state.eq(name(state))).execute(tx);
        return Ok(changed.map_err(failed)? == 1);
    };
    let plain = serde_json::to_vec(receipt).map_err(|_| broken_row())?;
    let index = i64::try_from(receipt.index).map_err(|_| broken_row())?;
    let values = (
        notice_out::state.eq(name(state)),
        notice_out::log_index.eq(index),
        notice_out::receipt_sealed.eq(keys.seal(&receipt_cell(&id), &plain)?),
    );
    let changed = diesel::update(row).set(values).execute(tx).map_err(failed)?;
    Ok(changed == 1)
}

/// Which of these notices are this room's own, and to whom they go.
pub fn recipients(
    tx: &mut Tx,
    permit: &Permit,
    notices: &[NoticeId],
) -> Result<HashMap<NoticeId, String>, ApiError> {
    let code = permit.municipality();
    let ids: Vec<&[u8]> = notices.iter().map(|id| id.0.as_bytes().as_slice()).collect();
    let query = notice_out::table
        .filter(notice_out::municipality.eq(code.as_str()))
        .filter(notice_out::id.eq_any(&ids))
        .select((notice_out::id, notice_out::recipient));
    let rows: Vec<(Vec<u8>, String)> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    rows.into_iter().map(|(id, who)| Ok((NoticeId(read_uuid(&id)?), who))).collect()
}
