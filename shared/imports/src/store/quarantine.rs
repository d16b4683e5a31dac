use crypto::{Cell, RoomKeys};
use db::{Tx, on_engine};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use domain::Permit;
use domain::subject::SubjectId;
use quality::Doubt;
use service::ApiError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::schema::quarantine;
use super::{broken_row, failed};
use crate::quarantine::{Doubtful, Origin, Row, State, read, written};

/// Rows of one statement; SQLite takes 32,766 values.
const ROWS_MAX: usize = 1_000;

#[derive(Insertable)]
#[diesel(table_name = quarantine, treat_none_as_default_value = false)]
struct NewRow {
    municipality: String,
    id: Vec<u8>,
    origin: &'static str,
    origin_id: Vec<u8>,
    line: i64,
    row_index: Vec<u8>,
    kind: &'static str,
    state: &'static str,
    version: i32,
    subject_id: Option<Vec<u8>>,
    sealed: Vec<u8>,
    created_at_unix_ms: i64,
}

/// A row as it waits for a person, or as it was decided on.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: Uuid,
    pub(crate) version: i32,
    pub(crate) is_open: bool,
    pub(crate) origin: Origin,
    pub(crate) line: i64,
    pub(crate) row: Row,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) created_at_unix_ms: i64,
}

/// What a person decided, in one word, and what was taken instead or why it was dropped.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) word: &'static str,
    pub(crate) with: Option<Zeroizing<Vec<u8>>>,
    /// Whose record it became: the row is erased with that person.
    pub(crate) subject: Option<SubjectId>,
}

fn cell<'a>(id: &'a Uuid, column: &'static str) -> Cell<'a> {
    Cell { table: "quarantine", column, row: id.as_bytes(), version: 1 }
}

/// Puts doubtful rows in front of people, once: a row that waits already or was decided on is not
/// asked about again.  Returns how many are new.
pub fn insert(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (rows, state): (&[Doubtful], State),
) -> Result<usize, ApiError> {
    let mut inserted = 0;
    for chunk in rows.chunks(ROWS_MAX) {
        let rows: Vec<NewRow> = chunk
            .iter()
            .map(|row| new_row(keys, permit, (row, state)))
            .collect::<Result<_, ApiError>>()?;
        let insert = diesel::insert_into(quarantine::table).values(&rows);
        inserted +=
            on_engine!(tx, c => insert.on_conflict_do_nothing().execute(c)).map_err(failed)?;
    }
    Ok(inserted)
}

fn new_row(
    keys: &RoomKeys,
    permit: &Permit,
    (doubtful, state): (&Doubtful, State),
) -> Result<NewRow, ApiError> {
    let Doubtful { origin, line, row, doubts } = doubtful;
    let id = Uuid::now_v7();
    let (alone, plain) = written(row, doubts).map_err(|_| broken_row())?;
    let (origin, origin_id) = match origin {
        Origin::Import(id) => ("import", id),
        Origin::Capture(id) => ("capture", id),
    };
    Ok(NewRow {
        municipality: permit.municipality().as_str().to_owned(),
        id: id.as_bytes().to_vec(),
        origin,
        origin_id: origin_id.as_bytes().to_vec(),
        line: i64::try_from(*line).map_err(|_| broken_row())?,
        row_index: keys.row_index(&alone).as_bytes().to_vec(),
        kind: doubts.first().ok_or_else(broken_row)?.kind.code(),
        state: match state {
            State::Staged => "staged",
            State::Open => "open",
        },
        version: 1,
        subject_id: row.subject().map(|subject| subject.0.as_bytes().to_vec()),
        sealed: keys.seal(&cell(&id, "sealed"), &plain)?,
        created_at_unix_ms: ::room::operation_log::unix_ms(permit.context().at),
    })
}

/// Shows the doubtful rows of an approved file to people; those that wait already or were decided
/// on are not shown twice.  Returns how many are new.
pub fn open_staged(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<usize, ApiError> {
    let municipality = permit.municipality();
    let earlier = diesel::alias!(quarantine as earlier);
    let known = earlier
        .filter(earlier.field(quarantine::municipality).eq(municipality.as_str()))
        .filter(earlier.field(quarantine::row_index).eq(quarantine::row_index))
        .filter(earlier.field(quarantine::state).ne("staged"));
    let staged = quarantine::table
        .filter(quarantine::municipality.eq(municipality.as_str()))
        .filter(quarantine::origin_id.eq(import.as_bytes().as_slice()))
        .filter(quarantine::state.eq("staged"))
        .filter(not(exists(known)));
    let opened = diesel::update(staged).set(quarantine::state.eq("open")).execute(tx);
    let opened = opened.map_err(failed)?;
    discard_staged(tx, permit, import)?;
    Ok(opened)
}

/// Forgets the doubtful rows of a file that was thrown away or is checked again.
pub fn discard_staged(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<usize, ApiError> {
    let municipality = permit.municipality();
    let staged = quarantine::table
        .filter(quarantine::municipality.eq(municipality.as_str()))
        .filter(quarantine::origin_id.eq(import.as_bytes().as_slice()))
        .filter(quarantine::state.eq("staged"));
    diesel::delete(staged).execute(tx).map_err(failed)
}

/// Does the whole work or, where it ends with an error, nothing of it; the rest of the transaction
/// goes on.
pub(crate) fn all_or_nothing<T, E: From<ApiError>>(
    tx: &mut Tx,
    work: impl FnOnce(&mut Tx) -> Result<T, E>,
) -> Result<T, E> {
    struct Ended<E>(E);
    impl<E: From<ApiError>> From<diesel::result::Error> for Ended<E> {
        fn from(error: diesel::result::Error) -> Self {
            Self(E::from(failed(error)))
        }
    }
    tx.transaction(|tx| work(tx).map_err(Ended)).map_err(|Ended(error)| error)
}

pub(super) type Columns =
    (Vec<u8>, i32, String, (String, Vec<u8>, i64), Option<Vec<u8>>, Vec<u8>, i64);

/// Open rows in the order in which they came, of one kind or of all.
pub(crate) fn list(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (kind, after, limit): (Option<&str>, Option<Uuid>, u16),
) -> Result<Vec<Kept>, ApiError> {
    let municipality = permit.municipality();
    let mut open = quarantine::table
        .filter(quarantine::municipality.eq(municipality.as_str()))
        .filter(quarantine::state.eq("open"))
        .order(quarantine::id)
        .limit(i64::from(limit))
        .select(COLUMNS)
        .into_boxed();
    if let Some(kind) = kind {
        open = open.filter(quarantine::kind.eq(kind.to_owned()));
    }
    if let Some(after) = after {
        open = open.filter(quarantine::id.gt(after.as_bytes().to_vec()));
    }
    let rows: Vec<Columns> = open.load(tx).map_err(failed)?;
    rows.into_iter().map(|row| kept(keys, row)).collect()
}

/// How many rows wait.
pub(crate) fn count_open(tx: &mut Tx, permit: &Permit) -> Result<i64, ApiError> {
    quarantine::table
        .filter(quarantine::municipality.eq(permit.municipality().as_str()))
        .filter(quarantine::state.eq("open"))
        .count()
        .get_result(tx)
        .map_err(failed)
}

/// A row that people may see: not one of a file that is not approved.
pub(crate) fn find(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    id: Uuid,
) -> Result<Option<Kept>, ApiError> {
    let row: Option<Columns> = quarantine::table
        .find((permit.municipality().as_str(), id.as_bytes().as_slice()))
        .filter(quarantine::state.ne("staged"))
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(|row| kept(keys, row)).transpose()
}

/// Writes a decision beside what was given; `false` if the row was decided on meanwhile.
pub(crate) fn decide(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (kept, by): (&Kept, &str),
    decided: &Decided,
) -> Result<bool, ApiError> {
    let seal = |plain: &Zeroizing<Vec<u8>>| keys.seal(&cell(&kept.id, "decision_sealed"), plain);
    let municipality = permit.municipality();
    let open = quarantine::table
        .find((municipality.as_str(), kept.id.as_bytes().as_slice()))
        .filter(quarantine::state.eq("open"))
        .filter(quarantine::version.eq(kept.version));
    let change = (
        quarantine::state.eq("decided"),
        quarantine::version.eq(kept.version + 1),
        quarantine::decided_by.eq(by),
        quarantine::decided_at_unix_ms.eq(::room::operation_log::unix_ms(permit.context().at)),
        quarantine::decision.eq(decided.word),
        quarantine::decision_sealed.eq(decided.with.as_ref().map(seal).transpose()?),
        quarantine::taken_for.eq(decided.subject.map(|subject| subject.0.as_bytes().to_vec())),
    );
    Ok(diesel::update(open).set(change).execute(tx).map_err(failed)? == 1)
}

pub(super) type Selected = (
    quarantine::id,
    quarantine::version,
    quarantine::state,
    (quarantine::origin, quarantine::origin_id, quarantine::line),
    quarantine::subject_id,
    quarantine::sealed,
    quarantine::created_at_unix_ms,
);

pub(super) const COLUMNS: Selected = (
    quarantine::id,
    quarantine::version,
    quarantine::state,
    (quarantine::origin, quarantine::origin_id, quarantine::line),
    quarantine::subject_id,
    quarantine::sealed,
    quarantine::created_at_unix_ms,
);

/// The open columns only find the row; what it says and whose it is stands in the sealed one.
pub(super) fn kept(keys: &RoomKeys, columns: Columns) -> Result<Kept, ApiError> {
    let (id, version, state, (origin, origin_id, line), subject, sealed, created) = columns;
    let uuid = |bytes: &[u8]| ::room::store::read_uuid(bytes);
    let id = uuid(&id)?;
    let plain = keys.open(&cell(&id, "sealed"), &sealed)?;
    let (row, doubts) = read(&plain).ok_or_else(broken_row)?;
    let subject = subject.map(|subject| uuid(&subject).map(SubjectId)).transpose()?;
    let origin = match origin.as_str() {
        "import" => Origin::Import(uuid(&origin_id)?),
        "capture" => Origin::Capture(uuid(&origin_id)?),
        _ => return Err(broken_row()),
    };
    if subject != row.subject() {
        return Err(broken_row());
    }
    let is_open = state == "open";
    Ok(Kept { id, version, is_open, origin, line, row, doubts, created_at_unix_ms: created })
}

/// What somebody with the database's rights might do: says that the rows are other persons'.
#[cfg(test)]
pub(crate) fn move_to_others(tx: &mut Tx) -> QueryResult<usize> {
    let id = quarantine::id.nullable();
    diesel::update(quarantine::table).set(quarantine::subject_id.eq(id)).execute(tx)
}

/// Whose record a row became.
#[cfg(test)]
pub(crate) fn taken_for(tx: &mut Tx, permit: &Permit, id: Uuid) -> Result<Option<Uuid>, ApiError> {
    let taken: Option<Vec<u8>> = quarantine::table
        .find((permit.municipality().as_str(), id.as_bytes().as_slice()))
        .select(quarantine::taken_for)
        .first(tx)
        .map_err(failed)?;
    taken.as_deref().map(::room::store::read_uuid).transpose()
}
