//! Many inquiries in one file (一括照会): the file and how far it has come.

use crypto::{Cell, RoomKeys};
use db::Tx;
use diesel::prelude::*;
use domain::{Actor, Confirmation, MunicipalityCode, OperatorId, Permit, Role, TerminalId};
use service::{ApiError, problems};
use uuid::Uuid;
use wire::batch::{BatchPart, BatchState, CreateBatch};
use zeroize::Zeroizing;

use super::schema::{batch, batch_part};
use super::{broken_row, failed};
use crate::operation_log::unix_ms;

/// A batch of this room.
#[derive(Clone, Debug)]
pub struct Batch {
    pub id: Uuid,
    pub submitter: Actor,
    pub procedure: String,
    pub legal_basis: String,
    pub confirmation: Confirmation,
    pub total_bytes: u64,
    pub sha256: Vec<u8>,
    pub state: BatchState,
    pub stopped_because: Option<String>,
    pub rows: u64,
    pub bad_rows: u64,
    pub staged_rows: u64,
    pub created_at_unix_ms: i64,
    pub started_at_unix_ms: Option<i64>,
    pub finished_at_unix_ms: Option<i64>,
    pub expires_at_unix_ms: i64,
}

impl Batch {
    /// Whether every row of the file has its place and its inquiry id.
    pub fn is_staged(&self) -> bool {
        self.staged_rows == self.rows
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = batch)]
struct Row {
    id: Vec<u8>,
    operator: String,
    operator_role: String,
    terminal: String,
    procedure: String,
    legal_basis: String,
    confirmation: String,
    total_bytes: i64,
    sha256: Vec<u8>,
    state: String,
    stopped_because: Option<String>,
    rows: i64,
    bad_rows: i64,
    staged_rows: i64,
    created_at_unix_ms: i64,
    started_at_unix_ms: Option<i64>,
    finished_at_unix_ms: Option<i64>,
    expires_at_unix_ms: i64,
}

const STATES: [(BatchState, &str); 7] = [
    (BatchState::Uploading, "uploading"),
    (BatchState::Checked, "checked"),
    (BatchState::Running, "running"),
    (BatchState::Stopped, "stopped"),
    (BatchState::Done, "done"),
    (BatchState::Cancelled, "cancelled"),
    (BatchState::Expired, "expired"),
];

fn word(state: BatchState) -> &'static str {
    STATES.iter().find(|(one, _)| *one == state).map_or("", |(_, word)| word)
}

pub fn insert(
    tx: &mut Tx,
    permit: &Permit,
    new: &CreateBatch,
    expires_at_unix_ms: i64,
) -> Result<(), ApiError> {
    let Actor::Operator { id, role, terminal, .. } = &permit.context().actor else {
        return Err(ApiError::new(&problems::DENIED));
    };
    let total_bytes = i64::try_from(new.total_bytes).map_err(|_| ApiError::field("totalBytes"))?;
    diesel::insert_into(batch::table)
        .values((
            (
                batch::municipality.eq(permit.municipality().as_str()),
                batch::id.eq(new.batch.as_bytes().as_slice()),
                batch::operator.eq(id.as_str()),
                batch::operator_role.eq(role.as_str()),
                batch::terminal.eq(terminal.as_str()),
            ),
            batch::procedure.eq(&new.procedure),
            batch::legal_basis.eq(&new.legal_basis),
            batch::confirmation.eq(new.confirmation.as_str()),
            batch::total_bytes.eq(total_bytes),
            batch::sha256.eq(&new.sha256.0),
            batch::state.eq(word(BatchState::Uploading)),
            (batch::rows.eq(0), batch::bad_rows.eq(0), batch::staged_rows.eq(0)),
            batch::created_at_unix_ms.eq(unix_ms(permit.context().at)),
            batch::expires_at_unix_ms.eq(expires_at_unix_ms),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

pub fn find(tx: &mut Tx, permit: &Permit, id: Uuid) -> Result<Option<Batch>, ApiError> {
    let row: Option<Row> = batch::table
        .filter(batch::municipality.eq(permit.municipality().as_str()))
        .filter(batch::id.eq(id.as_bytes().as_slice()))
        .select(Row::as_select())
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|row| read(permit.municipality(), row)).transpose()
}

/// Batches in one of these states, oldest first.
pub fn list(tx: &mut Tx, permit: &Permit, states: &[BatchState]) -> Result<Vec<Batch>, ApiError> {
    let words: Vec<&str> = states.iter().map(|state| word(*state)).collect();
    let rows: Vec<Row> = batch::table
        .filter(batch::municipality.eq(permit.municipality().as_str()))
        .filter(batch::state.eq_any(words))
        .order((batch::created_at_unix_ms, batch::id))
        .select(Row::as_select())
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(|row| read(permit.municipality(), row)).collect()
}

fn read(municipality: MunicipalityCode, row: Row) -> Result<Batch, ApiError> {
    let count = |number: i64| u64::try_from(number).map_err(|_| broken_row());
    let state = STATES.iter().find(|(_, word)| *word == row.state).map(|(state, _)| *state);
    let confirmation = [Confirmation::ResidentRegister, Confirmation::ResidentRegisterAndConsent]
        .into_iter()
        .find(|one| one.as_str() == row.confirmation);
    let submitter = Actor::Operator {
        id: OperatorId::parse(&row.operator).map_err(|_| broken_row())?,
        municipality,
        role: Role::parse(&row.operator_role).ok_or_else(broken_row)?,
        terminal: TerminalId::parse(&row.terminal).map_err(|_| broken_row())?,
    };
    Ok(Batch {
        id: super::read_uuid(&row.id)?,
        submitter,
        procedure: row.procedure,
        legal_basis: row.legal_basis,
        confirmation: confirmation.ok_or_else(broken_row)?,
        total_bytes: count(row.total_bytes)?,
        sha256: row.sha256,
        state: state.ok_or_else(broken_row)?,
        stopped_because: row.stopped_because,
        rows: count(row.rows)?,
        bad_rows: count(row.bad_rows)?,
        staged_rows: count(row.staged_rows)?,
        created_at_unix_ms: row.created_at_unix_ms,
        started_at_unix_ms: row.started_at_unix_ms,
        finished_at_unix_ms: row.finished_at_unix_ms,
        expires_at_unix_ms: row.expires_at_unix_ms,
    })
}

/// What changes when a batch goes from one state to the next.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = batch)]
pub struct Change {
    pub rows: Option<i64>,
    pub bad_rows: Option<i64>,
    pub staged_rows: Option<i64>,
    /// `Some(None)` when it goes on.
    pub stopped_because: Option<Option<String>>,
    pub started_at_unix_ms: Option<i64>,
    pub finished_at_unix_ms: Option<i64>,
    pub expires_at_unix_ms: Option<i64>,
}

/// Goes from one state to another; `false` if it is not in the first any more.
pub fn advance(
    tx: &mut Tx,
    permit: &Permit,
    (id, from, to): (Uuid, BatchState, BatchState),
    change: &Change,
) -> Result<bool, ApiError> {
    let municipality = permit.municipality();
    let this = batch::table
        .filter(batch::municipality.eq(municipality.as_str()))
        .filter(batch::id.eq(id.as_bytes().as_slice()))
        .filter(batch::state.eq(word(from)));
    let changed = diesel::update(this)
        .set((batch::state.eq(word(to)), change.clone()))
        .execute(tx)
        .map_err(failed)?;
    Ok(changed == 1)
}

pub fn is_running(tx: &mut Tx, permit: &Permit, id: Uuid) -> Result<bool, ApiError> {
    let municipality = permit.municipality();
    let running = batch::table
        .filter(batch::municipality.eq(municipality.as_str()))
        .filter(batch::id.eq(id.as_bytes().as_slice()))
        .filter(batch::state.eq(word(BatchState::Running)));
    diesel::select(diesel::dsl::exists(running)).get_result(tx).map_err(failed)
}

fn part_cell(row: &[u8; 20]) -> Cell<'_> {
    Cell { table: "batch_part", column: "sealed", row, version: 1 }
}

/// The unique name of a numbered row of a batch.
pub(super) fn place(id: Uuid, number: u32) -> [u8; 20] {
    let mut name = [0; 20];
    let (head, tail) = name.split_at_mut(16);
    head.copy_from_slice(id.as_bytes());
    tail.copy_from_slice(&number.to_be_bytes());
    name
}

/// Keeps a part; one that is there stays.
pub fn insert_part(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    part: &BatchPart,
) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let number = i32::try_from(part.part).map_err(|_| ApiError::field("part"))?;
    let known = batch_part::table
        .filter(batch_part::municipality.eq(municipality.as_str()))
        .filter(batch_part::batch_id.eq(part.batch.as_bytes().as_slice()))
        .filter(batch_part::part.eq(number));
    if diesel::select(diesel::dsl::exists(known)).get_result(tx).map_err(failed)? {
        return Ok(());
    }
    let bytes = i64::try_from(part.bytes.0.len()).map_err(|_| ApiError::field("bytes"))?;
    let sealed = keys.seal(&part_cell(&place(part.batch, part.part)), &part.bytes.0)?;
    diesel::insert_into(batch_part::table)
        .values((
            batch_part::municipality.eq(permit.municipality().as_str()),
            batch_part::batch_id.eq(part.batch.as_bytes().as_slice()),
            batch_part::part.eq(number),
            batch_part::bytes.eq(bytes),
            batch_part::sealed.eq(sealed),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// How many bytes have arrived.
pub fn part_bytes(tx: &mut Tx, permit: &Permit, id: Uuid) -> Result<u64, ApiError> {
    let sizes: Vec<i64> = batch_part::table
        .filter(batch_part::municipality.eq(permit.municipality().as_str()))
        .filter(batch_part::batch_id.eq(id.as_bytes().as_slice()))
        .select(batch_part::bytes)
        .load(tx)
        .map_err(failed)?;
    u64::try_from(sizes.iter().sum::<i64>()).map_err(|_| broken_row())
}

/// The file as it was uploaded, as far as it is there.
pub fn file(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: Uuid,
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let rows: Vec<(i32, Vec<u8>)> = batch_part::table
        .filter(batch_part::municipality.eq(permit.municipality().as_str()))
        .filter(batch_part::batch_id.eq(id.as_bytes().as_slice()))
        .order(batch_part::part)
        .select((batch_part::part, batch_part::sealed))
        .load(tx)
        .map_err(failed)?;
    let mut file = Zeroizing::new(Vec::new());
    for (part, sealed) in rows {
        let part = u32::try_from(part).map_err(|_| broken_row())?;
        file.extend_from_slice(&keys.open(&part_cell(&place(id, part)), &sealed)?);
    }
    Ok(file)
}

/// Deletes the uploaded file; answers how many parts it had.
pub fn erase_parts(tx: &mut Tx, permit: &Permit, id: Uuid) -> Result<usize, ApiError> {
    let municipality = permit.municipality();
    let parts = batch_part::table
        .filter(batch_part::municipality.eq(municipality.as_str()))
        .filter(batch_part::batch_id.eq(id.as_bytes().as_slice()));
    diesel::delete(parts).execute(tx).map_err(failed)
}
