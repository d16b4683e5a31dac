use crypto::RoomKeys;
use db::Tx;
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{InquiryId, MunicipalityCode, Permit};
use room::store::inquiry::open_answer;
use room::store::schema::{held_inquiry, inquiry};
use room::store::{broken_row, failed, read_uuid};
use service::ApiError;
use wire::exports::{DisclosedInquiry, HeldBack};

/// Far above what a life brings, so that one answer stays readable.
const ROWS_MAX: usize = 1_000;

type Law = (String, String);
type InquiryRow =
    (Vec<u8>, String, Law, (i64, Option<i64>), Option<i64>, Option<Vec<u8>>, Option<i64>);

/// What this room asked others about a person, oldest first; `None` if it is too much to show.
pub(crate) fn inquiries(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: SubjectId,
) -> Result<Option<Vec<DisclosedInquiry>>, ApiError> {
    let rows: Vec<InquiryRow> = inquiry::table
        .filter(inquiry::municipality.eq(permit.municipality().as_str()))
        .filter(inquiry::subject_id.eq(subject.0.as_bytes().as_slice()))
        .order((inquiry::begun_at_unix_ms, inquiry::id))
        .limit(one_more()?)
        .select((
            inquiry::id,
            inquiry::provider,
            (inquiry::procedure, inquiry::legal_basis),
            (inquiry::begun_at_unix_ms, inquiry::answered_at_unix_ms),
            inquiry::log_index,
            inquiry::answer_sealed,
            inquiry::expires_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    let read = |(id, provider, law, times, index, answer, expires): InquiryRow| {
        let id = InquiryId(read_uuid(&id)?);
        let index = index.map(u64::try_from).transpose().map_err(|_| broken_row())?;
        let answer = answer.map(|sealed| open_answer(keys, id, &sealed)).transpose()?;
        let expires = expires.filter(|_| answer.is_some());
        Ok(DisclosedInquiry {
            inquiry: id,
            provider: MunicipalityCode::parse(&provider).map_err(|_| broken_row())?,
            procedure: law.0,
            legal_basis: law.1,
            begun_at_unix_ms: times.0,
            answered_at_unix_ms: times.1,
            log_index: index,
            received: answer.map(|answer| answer.vaccinations),
            expires_at_unix_ms: expires,
        })
    };
    all(rows, read)
}

type HeldRow = (Vec<u8>, String, Law, i64, String, Option<i64>);

/// Who asked about a person while the person was protected, oldest first.
pub(crate) fn held_back(
    tx: &mut Tx,
    permit: &Permit,
    subject: SubjectId,
) -> Result<Option<Vec<HeldBack>>, ApiError> {
    let rows: Vec<HeldRow> = held_inquiry::table
        .filter(held_inquiry::municipality.eq(permit.municipality().as_str()))
        .filter(held_inquiry::subject_id.eq(subject.0.as_bytes().as_slice()))
        .order((held_inquiry::held_at_unix_ms, held_inquiry::inquiry_id))
        .limit(one_more()?)
        .select((
            held_inquiry::inquiry_id,
            held_inquiry::inquirer,
            (held_inquiry::procedure, held_inquiry::legal_basis),
            held_inquiry::held_at_unix_ms,
            held_inquiry::state,
            held_inquiry::decided_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    let read = |(id, inquirer, law, held_at_unix_ms, state, decided_at_unix_ms): HeldRow| {
        let state = serde_json::Value::String(state);
        Ok(HeldBack {
            inquiry: InquiryId(read_uuid(&id)?),
            inquirer: MunicipalityCode::parse(&inquirer).map_err(|_| broken_row())?,
            procedure: law.0,
            legal_basis: law.1,
            held_at_unix_ms,
            state: serde_json::from_value(state).map_err(|_| broken_row())?,
            decided_at_unix_ms,
        })
    };
    all(rows, read)
}

fn one_more() -> Result<i64, ApiError> {
    i64::try_from(ROWS_MAX + 1).map_err(|_| broken_row())
}

fn all<R, T>(
    rows: Vec<R>,
    read: impl Fn(R) -> Result<T, ApiError>,
) -> Result<Option<Vec<T>>, ApiError> {
    if rows.len() > ROWS_MAX {
        return Ok(None);
    }
    rows.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}
