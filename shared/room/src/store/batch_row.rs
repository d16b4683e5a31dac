//! The rows of a batch inquiry and how each of them ended.

use std::collections::BTreeMap;

use crypto::{Cell, RoomKeys};
use db::{Tx, on_engine};
use diesel::dsl::count_star;
use diesel::prelude::*;
use domain::{IndividualNumber, InquiryId, MunicipalityCode, Permit};
use serde::{Deserialize, Serialize};
use service::ApiError;
use uuid::Uuid;
use wire::batch::{ReadResults, RowOutcome, RowResult};
use wire::partition::{AskAnswer, AskOutcome};
use zeroize::Zeroizing;

use super::batch::place;
use super::schema::batch_row;
use super::{broken_row, failed, read_uuid};

/// What the file says about a row that can be used.
#[derive(Clone)]
pub struct Question {
    pub individual_number: IndividualNumber,
    pub provider: MunicipalityCode,
    pub address_number: Option<String>,
    pub reference: Option<String>,
}

/// Prints nothing of it: it says who is asked about.
impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question(redacted)")
    }
}

/// Why a row can't be used, and in which column.
pub type Fault = (&'static str, Option<&'static str>);

/// A row on its way into its place.
pub type Staged = (u32, Result<Question, Fault>);

#[derive(Serialize, Deserialize)]
struct Plain {
    number: String,
    address: Option<String>,
    reference: Option<String>,
}

impl Drop for Plain {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.number);
    }
}

const WAITING: &str = "waiting";
const BAD: &str = "badRow";

#[derive(Insertable)]
#[diesel(table_name = batch_row, treat_none_as_default_value = false)]
struct New {
    municipality: String,
    batch_id: Vec<u8>,
    row: i32,
    provider: Option<String>,
    inquiry_id: Option<Vec<u8>>,
    state: &'static str,
    reason: Option<&'static str>,
    file_column: Option<&'static str>,
    question_sealed: Option<Vec<u8>>,
}

fn question_cell(place: &[u8; 20]) -> Cell<'_> {
    Cell { table: "batch_row", column: "question_sealed", row: place, version: 1 }
}

fn answer_cell(place: &[u8; 20]) -> Cell<'_> {
    Cell { table: "batch_row", column: "answer_sealed", row: place, version: 1 }
}

/// Gives each row its place and, once and for all, its inquiry id.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (batch, rows): (Uuid, &[Staged]),
) -> Result<(), ApiError> {
    let new = rows.iter().map(|(row, question)| {
        let mut new = New {
            municipality: permit.municipality().to_string(),
            batch_id: batch.as_bytes().to_vec(),
            row: i32::try_from(*row).map_err(|_| broken_row())?,
            provider: None,
            inquiry_id: None,
            state: BAD,
            reason: None,
            file_column: None,
            question_sealed: None,
        };
        match question {
            Ok(question) => {
                let plain = Plain {
                    number: question.individual_number.reveal().to_owned(),
                    address: question.address_number.clone(),
                    reference: question.reference.clone(),
                };
                let plain = Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| broken_row())?);
                let sealed = keys.seal(&question_cell(&place(batch, *row)), &plain)?;
                new.state = WAITING;
                new.provider = Some(question.provider.to_string());
                new.inquiry_id = Some(InquiryId::make_random().0.as_bytes().to_vec());
                new.question_sealed = Some(sealed);
            }
            Err((reason, column)) => (new.reason, new.file_column) = (Some(*reason), *column),
        }
        Ok(new)
    });
    let new = new.collect::<Result<Vec<_>, ApiError>>()?;
    let insert = diesel::insert_into(batch_row::table).values(&new);
    on_engine!(tx, c => insert.execute(c)).map(drop).map_err(failed)
}

/// A row that waits, as it is stored.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub row: u32,
    pub inquiry: InquiryId,
    question_sealed: Vec<u8>,
}

impl Waiting {
    /// About whom it asks.
    pub fn number(&self, keys: &RoomKeys, batch: Uuid) -> Result<IndividualNumber, ApiError> {
        let plain = open(keys, &place(batch, self.row), &self.question_sealed)?;
        IndividualNumber::parse(&plain.number).map_err(|_| broken_row())
    }
}

fn open(keys: &RoomKeys, place: &[u8; 20], sealed: &[u8]) -> Result<Plain, ApiError> {
    let plain = keys.open(&question_cell(place), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| broken_row())
}

type WaitingRow = (i32, Option<Vec<u8>>, Option<Vec<u8>>);

/// The next rows that wait for one municipality, in the order of the file.
pub fn waiting(
    tx: &mut Tx,
    permit: &Permit,
    (batch, provider): (Uuid, MunicipalityCode),
    (after, limit): (u32, u16),
) -> Result<Vec<Waiting>, ApiError> {
    let after = i32::try_from(after).map_err(|_| broken_row())?;
    let rows: Vec<WaitingRow> = batch_row::table
        .filter(batch_row::municipality.eq(permit.municipality().as_str()))
        .filter(batch_row::batch_id.eq(batch.as_bytes().as_slice()))
        .filter(batch_row::provider.eq(provider.as_str()))
        .filter(batch_row::state.eq(WAITING))
        .filter(batch_row::row.gt(after))
        .order(batch_row::row)
        .limit(i64::from(limit))
        .select((batch_row::row, batch_row::inquiry_id, batch_row::question_sealed))
        .load(tx)
        .map_err(failed)?;
    let read = |(row, inquiry, sealed): WaitingRow| {
        Ok(Waiting {
            row: u32::try_from(row).map_err(|_| broken_row())?,
            inquiry: InquiryId(read_uuid(&inquiry.ok_or_else(broken_row)?)?),
            question_sealed: sealed.ok_or_else(broken_row)?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Rows by municipality and state; rows that can't be used have no municipality.
pub type Counts = BTreeMap<Option<MunicipalityCode>, BTreeMap<String, u64>>;

pub fn count(tx: &mut Tx, permit: &Permit, batch: Uuid) -> Result<Counts, ApiError> {
    let rows: Vec<(Option<String>, String, i64)> = batch_row::table
        .filter(batch_row::municipality.eq(permit.municipality().as_str()))
        .filter(batch_row::batch_id.eq(batch.as_bytes().as_slice()))
        .group_by((batch_row::provider, batch_row::state))
        .select((batch_row::provider, batch_row::state, count_star()))
        .load(tx)
        .map_err(failed)?;
    let mut counts = Counts::new();
    for (provider, state, count) in rows {
        let provider = provider.map(|code| MunicipalityCode::parse(&code)).transpose();
        let of = counts.entry(provider.map_err(|_| broken_row())?).or_default();
        of.insert(state, u64::try_from(count).map_err(|_| broken_row())?);
    }
    Ok(counts)
}

/// Whom some row still waits for.
pub fn providers(
    tx: &mut Tx,
    permit: &Permit,
    batch: Uuid,
) -> Result<Vec<MunicipalityCode>, ApiError> {
    let codes: Vec<Option<String>> = batch_row::table
        .filter(batch_row::municipality.eq(permit.municipality().as_str()))
        .filter(batch_row::batch_id.eq(batch.as_bytes().as_slice()))
        .filter(batch_row::state.eq(WAITING))
        .select(batch_row::provider)
        .distinct()
        .order(batch_row::provider)
        .load(tx)
        .map_err(failed)?;
    let codes = codes.into_iter().flatten();
    codes.map(|code| MunicipalityCode::parse(&code).map_err(|_| broken_row())).collect()
}

/// Keeps the answer to a row that waits; what has ended stays as it is.
pub fn settle(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    ((batch, row), answer): ((Uuid, u32), &AskAnswer),
) -> Result<(), ApiError> {
    let (outcome, sealed) = match answer.outcome {
        AskOutcome::Nothing => (RowOutcome::Nothing, None),
        AskOutcome::Provided => {
            let plain = Zeroizing::new(serde_json::to_vec(answer).map_err(|_| broken_row())?);
            (RowOutcome::Provided, Some(keys.seal(&answer_cell(&place(batch, row)), &plain)?))
        }
    };
    end(tx, permit, (batch, row), (outcome, None, sealed))
}

/// The same for a row that gets no answer, with the code of a problem.
pub fn refuse(
    tx: &mut Tx,
    permit: &Permit,
    place: (Uuid, u32),
    (outcome, reason): (RowOutcome, &str),
) -> Result<(), ApiError> {
    end(tx, permit, place, (outcome, Some(reason), None))
}

fn end(
    tx: &mut Tx,
    permit: &Permit,
    (batch, row): (Uuid, u32),
    (outcome, reason, sealed): (RowOutcome, Option<&str>, Option<Vec<u8>>),
) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let this = batch_row::table
        .filter(batch_row::municipality.eq(municipality.as_str()))
        .filter(batch_row::batch_id.eq(batch.as_bytes().as_slice()))
        .filter(batch_row::row.eq(i32::try_from(row).map_err(|_| broken_row())?))
        .filter(batch_row::state.eq(WAITING));
    diesel::update(this)
        .set((
            batch_row::state.eq(outcome.as_str()),
            batch_row::reason.eq(reason),
            batch_row::answer_sealed.eq(sealed),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = batch_row)]
struct Stored {
    row: i32,
    provider: Option<String>,
    inquiry_id: Option<Vec<u8>>,
    state: String,
    reason: Option<String>,
    file_column: Option<String>,
    question_sealed: Option<Vec<u8>>,
    answer_sealed: Option<Vec<u8>>,
}

/// A page of rows in the order of the file, without individual numbers.
pub fn page(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    wanted: &ReadResults,
) -> Result<Vec<RowResult>, ApiError> {
    let from = i32::try_from(wanted.from_row).map_err(|_| ApiError::field("fromRow"))?;
    let rows: Vec<Stored> = batch_row::table
        .filter(batch_row::municipality.eq(permit.municipality().as_str()))
        .filter(batch_row::batch_id.eq(wanted.batch.as_bytes().as_slice()))
        .filter(batch_row::row.ge(from))
        .order(batch_row::row)
        .limit(i64::from(wanted.limit))
        .select(Stored::as_select())
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| result(keys, wanted.batch, row)).collect()
}

fn result(keys: &RoomKeys, batch: Uuid, stored: Stored) -> Result<RowResult, ApiError> {
    let row = u32::try_from(stored.row).map_err(|_| broken_row())?;
    let place = place(batch, row);
    let ends = [
        RowOutcome::Provided,
        RowOutcome::Nothing,
        RowOutcome::NotInRegister,
        RowOutcome::Refused,
        RowOutcome::BadRow,
    ];
    let ended = ends.into_iter().find(|outcome| outcome.as_str() == stored.state);
    let outcome = match ended {
        Some(outcome) => outcome,
        None if stored.state == WAITING => RowOutcome::Pending,
        None => return Err(broken_row()),
    };
    let question = stored.question_sealed.map(|sealed| open(keys, &place, &sealed)).transpose()?;
    let (address_number, reference) = match question {
        Some(mut question) => (question.address.take(), question.reference.take()),
        None => (None, None),
    };
    let vaccinations = match stored.answer_sealed {
        Some(sealed) => {
            let plain = keys.open(&answer_cell(&place), &sealed)?;
            let answer: AskAnswer = serde_json::from_slice(&plain).map_err(|_| broken_row())?;
            answer.vaccinations
        }
        None => Vec::new(),
    };
    let provider = stored.provider.map(|code| MunicipalityCode::parse(&code)).transpose();
    Ok(RowResult {
        row,
        address_number,
        reference,
        provider: provider.map_err(|_| broken_row())?,
        inquiry: stored.inquiry_id.map(|id| read_uuid(&id)).transpose()?,
        outcome,
        reason: stored.reason,
        column: stored.file_column,
        vaccinations,
    })
}

/// Deletes rows up to this one; answers how many there were.
pub fn erase(tx: &mut Tx, permit: &Permit, (batch, up_to): (Uuid, u32)) -> Result<usize, ApiError> {
    let municipality = permit.municipality();
    let rows = batch_row::table
        .filter(batch_row::municipality.eq(municipality.as_str()))
        .filter(batch_row::batch_id.eq(batch.as_bytes().as_slice()))
        .filter(batch_row::row.le(i32::try_from(up_to).map_err(|_| broken_row())?));
    diesel::delete(rows).execute(tx).map_err(failed)
}
