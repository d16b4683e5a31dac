use crypto::{Cell, RoomKeys};
use db::Tx;
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{InquiryHeader, InquiryId, MunicipalityCode, Permit};
use service::ApiError;
use wire::partition::{ListPage, ProvisionRecord};
use zeroize::Zeroizing;

use super::schema::{held_inquiry, provision};
use super::{broken_row, failed, read_uuid};
use crate::problems;
use crate::question::Content;

/// Who asked, under which ids.
#[derive(Clone, Debug)]
pub struct Asked {
    pub inquiry: InquiryId,
    pub inquirer: MunicipalityCode,
    pub permit_id: String,
}

fn content_cell(id: &InquiryId) -> Cell<'_> {
    Cell { table: "provision", column: "content_sealed", row: id.0.as_bytes(), version: 1 }
}

/// Keeps exactly what is provided, before it leaves.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (asked, subject): (&Asked, SubjectId),
    content: &Content,
) -> Result<(), ApiError> {
    let plain = Zeroizing::new(serde_json::to_vec(content).map_err(|_| broken_row())?);
    diesel::insert_into(provision::table)
        .values((
            provision::municipality.eq(permit.municipality().as_str()),
            provision::inquiry_id.eq(asked.inquiry.0.as_bytes().as_slice()),
            provision::inquirer.eq(asked.inquirer.as_str()),
            provision::subject_id.eq(subject.0.as_bytes().as_slice()),
            provision::permit_id.eq(&asked.permit_id),
            provision::content_sealed.eq(keys.seal_record(&content_cell(&asked.inquiry), &plain)?),
            provision::provided_at_unix_ms.eq(crate::operation_log::unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// What was provided under this inquiry before, if anything was: who it was about, and what.
pub fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    asked: &Asked,
) -> Result<Option<(SubjectId, Content)>, ApiError> {
    let row: Option<(Vec<u8>, Vec<u8>)> = provision::table
        .filter(provision::municipality.eq(permit.municipality().as_str()))
        .filter(provision::inquiry_id.eq(asked.inquiry.0.as_bytes().as_slice()))
        .filter(provision::inquirer.eq(asked.inquirer.as_str()))
        .select((provision::subject_id, provision::content_sealed))
        .first(tx)
        .optional()
        .map_err(failed)?;
    let Some((subject, sealed)) = row else { return Ok(None) };
    let plain = keys.open(&content_cell(&asked.inquiry), &sealed)?;
    let content = serde_json::from_slice(&plain).map_err(|_| broken_row())?;
    Ok(Some((SubjectId(read_uuid(&subject)?), content)))
}

/// Queues an inquiry about a withheld person for people to decide; once is enough.
pub fn hold(
    tx: &mut Tx,
    permit: &Permit,
    (asked, subject): (&Asked, SubjectId),
    header: &InquiryHeader,
) -> Result<(), ApiError> {
    let is_held: bool = diesel::select(diesel::dsl::exists(
        held_inquiry::table
            .filter(held_inquiry::municipality.eq(permit.municipality().as_str()))
            .filter(held_inquiry::inquiry_id.eq(asked.inquiry.0.as_bytes().as_slice())),
    ))
    .get_result(tx)
    .map_err(failed)?;
    if is_held {
        return Ok(());
    }
    diesel::insert_into(held_inquiry::table)
        .values((
            held_inquiry::municipality.eq(permit.municipality().as_str()),
            held_inquiry::inquiry_id.eq(asked.inquiry.0.as_bytes().as_slice()),
            held_inquiry::inquirer.eq(asked.inquirer.as_str()),
            held_inquiry::subject_id.eq(subject.0.as_bytes().as_slice()),
            held_inquiry::held_at_unix_ms.eq(crate::operation_log::unix_ms(permit.context().at)),
            held_inquiry::procedure.eq(&header.procedure),
            held_inquiry::legal_basis.eq(&header.legal_basis),
            held_inquiry::state.eq("pending"),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// What was provided about a person once.
#[derive(Debug)]
pub struct Provided {
    pub inquiry: InquiryId,
    pub inquirer: MunicipalityCode,
    pub content: Content,
    pub at_unix_ms: i64,
}

/// What is read of a person's provisions at once, and shown in one answer: far above what a life
/// brings.
const PAGE_MAX: u16 = 1_000;

/// All that was provided about a person, oldest first.
pub fn list_of(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: SubjectId,
) -> Result<Vec<Provided>, ApiError> {
    let count: i64 = provision::table
        .filter(provision::municipality.eq(permit.municipality().as_str()))
        .filter(provision::subject_id.eq(subject.0.as_bytes().as_slice()))
        .count()
        .get_result(tx)
        .map_err(failed)?;
    if count > i64::from(PAGE_MAX) {
        return Err(ApiError::new(&problems::DISCLOSURE_TOO_LONG));
    }
    page_of(tx, keys, permit, subject, None)
}

/// The next part of what was provided about a person, oldest first; empty where it ends.
pub fn page_of(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    subject: SubjectId,
    after: Option<&Provided>,
) -> Result<Vec<Provided>, ApiError> {
    let (at, id) =
        after.map_or((i64::MIN, [0; 16]), |last| (last.at_unix_ms, *last.inquiry.0.as_bytes()));
    let is_next = provision::provided_at_unix_ms
        .gt(at)
        .or(provision::provided_at_unix_ms.eq(at).and(provision::inquiry_id.gt(id.as_slice())));
    let rows: Vec<(Vec<u8>, String, Vec<u8>, i64)> = provision::table
        .filter(provision::municipality.eq(permit.municipality().as_str()))
        .filter(provision::subject_id.eq(subject.0.as_bytes().as_slice()))
        .filter(is_next)
        .order((provision::provided_at_unix_ms, provision::inquiry_id))
        .limit(i64::from(PAGE_MAX))
        .select((
            provision::inquiry_id,
            provision::inquirer,
            provision::content_sealed,
            provision::provided_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    let read = |(inquiry, inquirer, sealed, at_unix_ms): (Vec<u8>, String, Vec<u8>, i64)| {
        let inquiry = InquiryId(read_uuid(&inquiry)?);
        let inquirer = MunicipalityCode::parse(&inquirer).map_err(|_| broken_row())?;
        let plain = keys.open(&content_cell(&inquiry), &sealed)?;
        let content = serde_json::from_slice(&plain).map_err(|_| broken_row())?;
        Ok(Provided { inquiry, inquirer, content, at_unix_ms })
    };
    rows.into_iter().map(read).collect()
}

type Row = (Vec<u8>, String, Vec<u8>, Vec<u8>, i64);

/// A page of the room's provision records, oldest first.
pub fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    page: &ListPage,
) -> Result<Vec<ProvisionRecord>, ApiError> {
    let from = i64::try_from(page.from).map_err(|_| ApiError::field("from"))?;
    let rows: Vec<Row> = provision::table
        .filter(provision::municipality.eq(permit.municipality().as_str()))
        .order((provision::provided_at_unix_ms, provision::inquiry_id))
        .offset(from)
        .limit(i64::from(page.limit))
        .select((
            provision::inquiry_id,
            provision::inquirer,
            provision::subject_id,
            provision::content_sealed,
            provision::provided_at_unix_ms,
        ))
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read_record(keys, row)).collect()
}

fn read_record(
    keys: &RoomKeys,
    (inquiry, inquirer, subject, sealed, provided_at_unix_ms): Row,
) -> Result<ProvisionRecord, ApiError> {
    let inquiry = InquiryId(read_uuid(&inquiry)?);
    let plain = keys.open(&content_cell(&inquiry), &sealed)?;
    let content: Content = serde_json::from_slice(&plain).map_err(|_| broken_row())?;
    Ok(ProvisionRecord {
        inquiry,
        inquirer: MunicipalityCode::parse(&inquirer).map_err(|_| broken_row())?,
        subject: read_uuid(&subject)?,
        vaccinations: content.vaccinations.len(),
        provided_at_unix_ms,
    })
}
