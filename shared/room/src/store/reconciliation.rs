//! What the comparison with the provision log reads and keeps.

use std::collections::{HashMap, HashSet};

use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::{InquiryId, NoticeId, Permit};
use service::ApiError;
use wire::partition::{OneSided, Side};

use super::schema::{inquiry, one_sided, provision, reconciliation, subject_number};
use super::{broken_row, failed, read_uuid};

/// How far the room has come: entries before the index, and when it last came so far.
pub type Progress = (u64, i64);

/// An answer the room keeps, or has kept until it expired.
#[derive(Clone, Debug)]
pub struct Answer {
    pub provider: String,
    pub state: String,
    pub log_index: u64,
}

/// The room's own records of some inquiries.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// Who received what this room provided.
    pub provisions: HashMap<InquiryId, String>,
    pub answers: HashMap<InquiryId, Answer>,
    /// Whom this room told, or who told it, by notice.
    pub notices: HashMap<NoticeId, String>,
    /// Inquiries about persons who are erased: what was told about them is, too.
    pub erased: HashSet<InquiryId>,
}

pub fn progress(tx: &mut Tx, permit: &Permit) -> Result<Progress, ApiError> {
    let row: Option<(i64, i64)> = reconciliation::table
        .filter(reconciliation::municipality.eq(permit.municipality().as_str()))
        .select((reconciliation::next_index, reconciliation::reconciled_at_unix_ms))
        .first(tx)
        .optional()
        .map_err(failed)?;
    let (next_index, at_unix_ms) = row.unwrap_or_default();
    Ok((u64::try_from(next_index).map_err(|_| broken_row())?, at_unix_ms))
}

pub fn save_progress(
    tx: &mut Tx,
    permit: &Permit,
    (next_index, at_unix_ms): Progress,
) -> Result<(), ApiError> {
    let next_index = i64::try_from(next_index).map_err(|_| broken_row())?;
    let code = permit.municipality();
    let values = (
        reconciliation::next_index.eq(next_index),
        reconciliation::reconciled_at_unix_ms.eq(at_unix_ms),
    );
    let own = reconciliation::table.filter(reconciliation::municipality.eq(code.as_str()));
    if diesel::update(own).set(values).execute(tx).map_err(failed)? == 0 {
        diesel::insert_into(reconciliation::table)
            .values((reconciliation::municipality.eq(code.as_str()), values))
            .execute(tx)
            .map_err(failed)?;
    }
    Ok(())
}

pub fn records(tx: &mut Tx, permit: &Permit, inquiries: &[InquiryId]) -> Result<Records, ApiError> {
    let code = permit.municipality();
    let ids: Vec<&[u8]> = inquiries.iter().map(|id| id.0.as_bytes().as_slice()).collect();
    let query = provision::table
        .filter(provision::municipality.eq(code.as_str()))
        .filter(provision::inquiry_id.eq_any(&ids))
        .select((provision::inquiry_id, provision::inquirer));
    let provisions: Vec<(Vec<u8>, String)> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    let query = inquiry::table
        .filter(inquiry::municipality.eq(code.as_str()))
        .filter(inquiry::id.eq_any(&ids))
        .filter(inquiry::log_index.is_not_null())
        .select((
            inquiry::id,
            inquiry::provider,
            inquiry::state,
            inquiry::log_index.assume_not_null(),
        ));
    let answers: Vec<(Vec<u8>, String, String, i64)> =
        on_engine!(tx, c => query.load(c)).map_err(failed)?;
    let mut records = Records::default();
    for (id, inquirer) in provisions {
        records.provisions.insert(InquiryId(read_uuid(&id)?), inquirer);
    }
    for (id, provider, state, log_index) in answers {
        let log_index = u64::try_from(log_index).map_err(|_| broken_row())?;
        let answer = Answer { provider, state, log_index };
        records.answers.insert(InquiryId(read_uuid(&id)?), answer);
    }
    Ok(records)
}

/// The room's records of some notices, each with the inquiry it belongs to.
pub fn notices(
    tx: &mut Tx,
    permit: &Permit,
    entries: &[(NoticeId, InquiryId)],
    records: &mut Records,
) -> Result<(), ApiError> {
    let notices: Vec<NoticeId> = entries.iter().map(|(notice, _)| *notice).collect();
    records.notices = super::notice_out::recipients(tx, permit, &notices)?;
    records.notices.extend(super::notice_in::senders(tx, permit, &notices)?);
    let missing = entries.iter().filter(|(notice, _)| !records.notices.contains_key(notice));
    let code = permit.municipality();
    for (_, asked) in missing {
        let subject: Option<Vec<u8>> = inquiry::table
            .filter(inquiry::municipality.eq(code.as_str()))
            .filter(inquiry::id.eq(asked.0.as_bytes().as_slice()))
            .select(inquiry::subject_id)
            .first(tx)
            .optional()
            .map_err(failed)?;
        let Some(subject) = subject else { continue };
        let number = subject_number::table
            .filter(subject_number::municipality.eq(code.as_str()))
            .filter(subject_number::subject_id.eq(subject));
        let is_there: bool =
            diesel::select(diesel::dsl::exists(number)).get_result(tx).map_err(failed)?;
        if !is_there {
            records.erased.insert(*asked);
        }
    }
    Ok(())
}

/// What the room provided and what it got answered, after `from` and until `to`: with the side that
/// it would have alone.
pub fn recorded(
    tx: &mut Tx,
    permit: &Permit,
    (from, to): (i64, i64),
) -> Result<Vec<(InquiryId, Side)>, ApiError> {
    let code = permit.municipality();
    let provided: Vec<Vec<u8>> = provision::table
        .filter(provision::municipality.eq(code.as_str()))
        .filter(provision::provided_at_unix_ms.gt(from).and(provision::provided_at_unix_ms.le(to)))
        .select(provision::inquiry_id)
        .load(tx)
        .map_err(failed)?;
    let answered: Vec<Vec<u8>> = inquiry::table
        .filter(inquiry::municipality.eq(code.as_str()))
        .filter(inquiry::answered_at_unix_ms.gt(from).and(inquiry::answered_at_unix_ms.le(to)))
        .select(inquiry::id)
        .load(tx)
        .map_err(failed)?;
    let provided = provided.into_iter().map(|id| (id, Side::ProvisionWithoutLog));
    let answered = answered.into_iter().map(|id| (id, Side::AnswerWithoutLog));
    provided.chain(answered).map(|(id, side)| Ok((InquiryId(read_uuid(&id)?), side))).collect()
}

/// The oldest records that are still alone.
pub fn open(tx: &mut Tx, permit: &Permit, limit: u16) -> Result<Vec<OneSided>, ApiError> {
    let rows: Vec<(Vec<u8>, String, Option<i64>, i64)> = one_sided::table
        .filter(one_sided::municipality.eq(permit.municipality().as_str()))
        .filter(one_sided::resolved_at_unix_ms.is_null())
        .order((one_sided::found_at_unix_ms, one_sided::inquiry_id))
        .limit(i64::from(limit))
        .select((
            one_sided::inquiry_id,
            one_sided::side,
            one_sided::log_index,
            one_sided::found_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    let read = |(id, side, log_index, found_at_unix_ms): (Vec<u8>, String, Option<i64>, i64)| {
        let log_index = log_index.map(u64::try_from).transpose().map_err(|_| broken_row())?;
        let inquiry = InquiryId(read_uuid(&id)?);
        let side = SIDES.into_iter().find(|one| name(*one) == side).ok_or_else(broken_row)?;
        Ok(OneSided { inquiry, side, log_index, found_at_unix_ms })
    };
    rows.into_iter().map(read).collect()
}

/// How many records are still alone.
pub fn count_open(tx: &mut Tx, permit: &Permit) -> Result<i64, ApiError> {
    one_sided::table
        .filter(one_sided::municipality.eq(permit.municipality().as_str()))
        .filter(one_sided::resolved_at_unix_ms.is_null())
        .count()
        .get_result(tx)
        .map_err(failed)
}

/// Keeps a record that is alone; `false` if it was found before.
pub fn insert(tx: &mut Tx, permit: &Permit, found: &OneSided) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let log_index = found.log_index.map(i64::try_from).transpose().map_err(|_| broken_row())?;
    let insert = diesel::insert_into(one_sided::table).values((
        one_sided::municipality.eq(code.as_str()),
        one_sided::inquiry_id.eq(found.inquiry.0.as_bytes().as_slice()),
        one_sided::side.eq(name(found.side)),
        one_sided::log_index.eq(log_index),
        one_sided::found_at_unix_ms.eq(found.found_at_unix_ms),
    ));
    let inserted = on_engine!(tx, c => insert.on_conflict_do_nothing().execute(c));
    Ok(inserted.map_err(failed)? == 1)
}

/// The other side has come.
pub fn resolve(tx: &mut Tx, permit: &Permit, one: &OneSided) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let row = one_sided::table
        .filter(one_sided::municipality.eq(code.as_str()))
        .filter(one_sided::inquiry_id.eq(one.inquiry.0.as_bytes().as_slice()))
        .filter(one_sided::side.eq(name(one.side)))
        .filter(one_sided::resolved_at_unix_ms.is_null());
    let now = crate::operation_log::unix_ms(permit.context().at);
    let changed = diesel::update(row).set(one_sided::resolved_at_unix_ms.eq(now)).execute(tx);
    Ok(changed.map_err(failed)? == 1)
}

const SIDES: [Side; 6] = [
    Side::LogWithoutProvision,
    Side::ProvisionWithoutLog,
    Side::LogWithoutAnswer,
    Side::AnswerWithoutLog,
    Side::LogWithoutNotice,
    Side::Differs,
];

fn name(side: Side) -> String {
    format!("{side:?}")
}
