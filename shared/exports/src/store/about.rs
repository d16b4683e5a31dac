use db::Tx;
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{InquiryId, MunicipalityCode, Permit};
use room::store::schema::{held_inquiry, inquiry};
use room::store::{broken_row, failed, read_uuid};
use service::ApiError;
use wire::exports::{DisclosedInquiry, HeldBack};

/// Far above what a life brings, so that one answer stays readable.
const ROWS_MAX: usize = 1_000;

type InquiryRow = (Vec<u8>, String, String, String, i64, Option<i64>, Option<i64>);

/// What this room asked others about a person, oldest first; `None` if it is too much to show.
pub(crate) fn inquiries(
    tx: &mut Tx,
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
            inquiry::procedure,
            inquiry::legal_basis,
            inquiry::begun_at_unix_ms,
            inquiry::answered_at_unix_ms,
            inquiry::log_index,
        ))
        .load(tx)
        .map_err(failed)?;
    let read = |(id, provider, procedure, legal_basis, begun, answered, index): InquiryRow| {
        let index = index.map(u64::try_from).transpose().map_err(|_| broken_row())?;
        Ok(DisclosedInquiry {
            inquiry: InquiryId(read_uuid(&id)?),
            provider: MunicipalityCode::parse(&provider).map_err(|_| broken_row())?,
            procedure,
            legal_basis,
            begun_at_unix_ms: begun,
            answered_at_unix_ms: answered,
            log_index: index,
        })
    };
    all(rows, read)
}

type HeldRow = (Vec<u8>, String, String, String, i64);

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
            held_inquiry::procedure,
            held_inquiry::legal_basis,
            held_inquiry::held_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    let read = |(id, inquirer, procedure, legal_basis, held_at_unix_ms): HeldRow| {
        Ok(HeldBack {
            inquiry: InquiryId(read_uuid(&id)?),
            inquirer: MunicipalityCode::parse(&inquirer).map_err(|_| broken_row())?,
            procedure,
            legal_basis,
            held_at_unix_ms,
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
