use crypto::{Cell, RoomKeys};
use db::Tx;
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::{InquiryHeader, InquiryId, MunicipalityCode, NoticeHeader, Permit};
use serde::Serialize;
use service::ApiError;
use wire::Base64Bytes;
use wire::partition::{AskAnswer, AskOutcome};
use wire::provision_log::Receipt;
use zeroize::Zeroizing;

use super::schema::inquiry;
use super::{broken_row, failed, read_uuid};

/// How far an inquiry of this room has come.
#[derive(Clone, Debug)]
pub enum State {
    /// Asked, perhaps; no answer is kept yet.
    Begun,
    Answered(AskAnswer),
    /// The answer was deleted after its time.
    Expired,
}

/// An inquiry of this room.
#[derive(Clone, Debug)]
pub struct Found {
    pub subject: SubjectId,
    provider: String,
    procedure: String,
    legal_basis: String,
    confirmation: String,
    operator: String,
    /// Where it was asked first; a retry speaks of the same act.
    pub terminal: String,
    pub state: State,
}

impl Found {
    /// Who was asked.
    pub fn provider(&self) -> Result<MunicipalityCode, ApiError> {
        MunicipalityCode::parse(&self.provider).map_err(|_| broken_row())
    }

    /// Whether a notice speaks of this very question.
    pub fn is_of(&self, header: &NoticeHeader) -> bool {
        self.provider == header.provider.as_str()
            && self.procedure == header.procedure
            && self.legal_basis == header.legal_basis
    }

    /// Whether the same question is asked again.
    pub fn is_same(&self, header: &InquiryHeader, subject: SubjectId) -> bool {
        self.subject == subject
            && self.provider == header.provider.as_str()
            && self.procedure == header.procedure
            && self.legal_basis == header.legal_basis
            && self.confirmation == header.confirmation.as_str()
            && self.operator == header.operator.as_str()
    }
}

/// An answer with what proves it.
#[derive(Clone, Debug)]
pub struct Settled {
    pub answer: AskAnswer,
    pub proof: Proof,
}

/// What the asker needs, years later, to show what was received and that it is in the log.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    pub receipt: Receipt,
    /// Opens the entry's commitment; absent where nothing was provided.
    pub salt: Option<Base64Bytes>,
}

fn receipt_cell(id: &InquiryId) -> Cell<'_> {
    Cell { table: "inquiry", column: "receipt_sealed", row: id.0.as_bytes(), version: 1 }
}

fn answer_cell(id: &InquiryId) -> Cell<'_> {
    Cell { table: "inquiry", column: "answer_sealed", row: id.0.as_bytes(), version: 1 }
}

/// Keeps that an inquiry has begun.
pub fn insert(
    tx: &mut Tx,
    permit: &Permit,
    header: &InquiryHeader,
    subject: SubjectId,
) -> Result<(), ApiError> {
    diesel::insert_into(inquiry::table)
        .values((
            inquiry::municipality.eq(permit.municipality().as_str()),
            inquiry::id.eq(header.inquiry.0.as_bytes().as_slice()),
            inquiry::subject_id.eq(subject.0.as_bytes().as_slice()),
            inquiry::provider.eq(header.provider.as_str()),
            inquiry::procedure.eq(&header.procedure),
            inquiry::legal_basis.eq(&header.legal_basis),
            inquiry::confirmation.eq(header.confirmation.as_str()),
            inquiry::operator.eq(header.operator.as_str()),
            inquiry::terminal.eq(header.terminal.as_str()),
            inquiry::state.eq("begun"),
            inquiry::begun_at_unix_ms.eq(crate::operation_log::unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Row = (Vec<u8>, (String, String, String), (String, String, String), String, Option<Vec<u8>>);

pub fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: InquiryId,
) -> Result<Option<Found>, ApiError> {
    let row: Option<Row> = inquiry::table
        .filter(inquiry::municipality.eq(permit.municipality().as_str()))
        .filter(inquiry::id.eq(id.0.as_bytes().as_slice()))
        .select((
            inquiry::subject_id,
            (inquiry::provider, inquiry::procedure, inquiry::legal_basis),
            (inquiry::confirmation, inquiry::operator, inquiry::terminal),
            inquiry::state,
            inquiry::answer_sealed,
        ))
        .first(tx)
        .optional()
        .map_err(failed)?;
    let Some((subject, question, asker, state, sealed)) = row else { return Ok(None) };
    let (provider, procedure, legal_basis) = question;
    let (confirmation, operator, terminal) = asker;
    let subject = SubjectId(read_uuid(&subject)?);
    let state = match (state.as_str(), sealed) {
        ("begun", None) => State::Begun,
        ("expired", None) => State::Expired,
        ("provided" | "nothing", Some(sealed)) => State::Answered(open_answer(keys, id, &sealed)?),
        _ => return Err(broken_row()),
    };
    Ok(Some(Found {
        subject,
        provider,
        procedure,
        legal_basis,
        confirmation,
        operator,
        terminal,
        state,
    }))
}

/// Opens a kept answer, for those who read many at once.
pub fn open_answer(keys: &RoomKeys, id: InquiryId, sealed: &[u8]) -> Result<AskAnswer, ApiError> {
    let plain = keys.open(&answer_cell(&id), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| broken_row())
}

/// Keeps an answer until its time and its proof for good; what is already there stays as it is.
pub fn settle(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    settled: &Settled,
) -> Result<bool, ApiError> {
    let Settled { answer, proof } = settled;
    let outcome = match answer.outcome {
        AskOutcome::Provided => "provided",
        AskOutcome::Nothing => "nothing",
    };
    let plain = Zeroizing::new(serde_json::to_vec(answer).map_err(|_| broken_row())?);
    let proof = Zeroizing::new(serde_json::to_vec(proof).map_err(|_| broken_row())?);
    let log_index = i64::try_from(answer.log_index).map_err(|_| broken_row())?;
    let municipality = permit.municipality();
    let begun = inquiry::table
        .filter(inquiry::municipality.eq(municipality.as_str()))
        .filter(inquiry::id.eq(answer.inquiry.0.as_bytes().as_slice()))
        .filter(inquiry::state.eq("begun"));
    let changed = diesel::update(begun)
        .set((
            inquiry::state.eq(outcome),
            inquiry::answered_at_unix_ms.eq(answer.answered_at_unix_ms),
            inquiry::expires_at_unix_ms.eq(answer.expires_at_unix_ms),
            inquiry::log_index.eq(log_index),
            inquiry::answer_sealed.eq(keys.seal(&answer_cell(&answer.inquiry), &plain)?),
            inquiry::receipt_sealed.eq(keys.seal(&receipt_cell(&answer.inquiry), &proof)?),
        ))
        .execute(tx)
        .map_err(failed)?;
    Ok(changed == 1)
}

/// Deletes answers whose time is over; returns how many.
pub fn expire(tx: &mut Tx, permit: &Permit, now_unix_ms: i64) -> Result<usize, ApiError> {
    let municipality = permit.municipality();
    let due = inquiry::table
        .filter(inquiry::municipality.eq(municipality.as_str()))
        .filter(inquiry::expires_at_unix_ms.le(now_unix_ms))
        .filter(inquiry::answer_sealed.is_not_null());
    diesel::update(due)
        .set((inquiry::state.eq("expired"), inquiry::answer_sealed.eq(None::<Vec<u8>>)))
        .execute(tx)
        .map_err(failed)
}
