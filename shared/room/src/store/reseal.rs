//! Seals anew what an older data key has sealed, so that the older key can be destroyed.
//!
//! Every sealed column of a room stands in [`COLUMNS`], or is of a table in which nothing changes
//! and is sealed with the record key; `tests/house_rules` insists.

use crypto::{Cell, RoomKeys};
use db::Tx;
use domain::Permit;
use service::ApiError;

use super::broken_row;
use super::raw::{self, Found, Part, Value};
use Part::{Bytes, Number};

/// The name of a cell's row and its version, from the values of key and further columns.
type Naming = fn(&[Value]) -> Option<(Vec<u8>, u32)>;

/// A column whose cells are sealed with the data key.
#[derive(Debug)]
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    /// The table whose cells these are; a staged row is sealed as it will be kept.
    of: &'static str,
    /// The primary key after the municipality.
    key: &'static [Part],
    /// Further columns that the name of a cell is made of.
    more: &'static [Part],
    /// What the row is called, with its version; the same as where the column is written.
    name: Naming,
}

pub static COLUMNS: &[SealedColumn] = &[
    column("subject", "sealed", &[Bytes("id"), Number("version")], versioned),
    column("subject_number", "number_sealed", &[Bytes("number_index")], last)
        .with(&[Bytes("subject_id")]),
    column("voucher", "sealed", &[Bytes("voucher_index"), Number("dose_number")], voucher)
        .with(&[Bytes("subject_id")]),
    column(
        "vaccination",
        "sealed",
        &[Bytes("subject_id"), Bytes("id"), Number("version")],
        versioned,
    ),
    column("inquiry", "answer_sealed", &[Bytes("id")], last),
    column("inquiry", "receipt_sealed", &[Bytes("id")], last),
    column("held_inquiry", "proposal_sealed", &[Bytes("inquiry_id")], last),
    column("notice_out", "sealed", &[Bytes("id")], last),
    column("notice_out", "receipt_sealed", &[Bytes("id")], last),
    column("notice_in", "sealed", &[Bytes("id")], last),
    column("notice_in", "receipt_sealed", &[Bytes("id")], last),
    column("quarantine", "sealed", &[Bytes("id")], last),
    column("quarantine", "decision_sealed", &[Bytes("id")], last),
    column("import_part", "sealed", &[Bytes("import_id"), Number("part")], numbered),
    column("import_subject", "sealed", STAGED, staged_version)
        .with(&[Bytes("id"), Number("version")])
        .of("subject"),
    column("import_subject", "number_sealed", STAGED, last)
        .with(&[Bytes("id")])
        .of("subject_number"),
    column("import_voucher", "sealed", STAGED, staged_voucher)
        .with(&[Bytes("voucher_index"), Number("dose_number"), Bytes("subject_id")])
        .of("voucher"),
    column("import_vaccination", "sealed", STAGED, staged_new)
        .with(&[Bytes("subject_id"), Bytes("id")])
        .of("vaccination"),
    column("batch_part", "sealed", &[Bytes("batch_id"), Number("part")], numbered),
    column("batch_row", "question_sealed", &[Bytes("batch_id"), Number("row")], numbered),
    column("batch_row", "answer_sealed", &[Bytes("batch_id"), Number("row")], numbered),
];

const STAGED: &[Part] = &[Bytes("import_id"), Number("seq")];

const fn column(
    table: &'static str,
    column: &'static str,
    key: &'static [Part],
    name: Naming,
) -> SealedColumn {
    SealedColumn { table, column, of: table, key, more: &[], name }
}

impl SealedColumn {
    const fn with(self, more: &'static [Part]) -> Self {
        Self { more, ..self }
    }

    const fn of(self, of: &'static str) -> Self {
        Self { of, ..self }
    }
}

/// Identifiers one after the other, then the version.
fn versioned(values: &[Value]) -> Option<(Vec<u8>, u32)> {
    let (Value::Number(version), ids) = values.split_last()? else { return None };
    let ids: Vec<Vec<u8>> = ids.iter().map(Value::to_bytes).collect();
    Some((ids.concat(), u32::try_from(*version).ok()?))
}

/// What stands last alone.
fn last(values: &[Value]) -> Option<(Vec<u8>, u32)> {
    Some((values.last()?.to_bytes(), 1))
}

/// An identifier and a number of four bytes.
fn numbered(values: &[Value]) -> Option<(Vec<u8>, u32)> {
    let [Value::Bytes(id), Value::Number(number)] = values else { return None };
    let number = i32::try_from(*number).ok()?.to_be_bytes();
    Some(([id.as_slice(), &number].concat(), 1))
}

fn voucher(values: &[Value]) -> Option<(Vec<u8>, u32)> {
    let [Value::Bytes(index), Value::Number(dose), Value::Bytes(subject)] = values else {
        return None;
    };
    let dose = u16::try_from(*dose).ok()?.to_be_bytes();
    Some(([subject.as_slice(), index, &dose].concat(), 1))
}

fn staged_version(values: &[Value]) -> Option<(Vec<u8>, u32)> {
    versioned(values.get(STAGED.len()..)?)
}

fn staged_voucher(values: &[Value]) -> Option<(Vec<u8>, u32)> {
    voucher(values.get(STAGED.len()..)?)
}

/// A staged dose is always the first version.
fn staged_new(values: &[Value]) -> Option<(Vec<u8>, u32)> {
    let ids: Vec<Vec<u8>> = values.get(STAGED.len()..)?.iter().map(Value::to_bytes).collect();
    Some((ids.concat(), 1))
}

/// How far a column is done, and how many cells were sealed anew on the way.
#[derive(Debug, Default)]
pub struct Progress {
    /// The key of the last row looked at; none at the end.
    pub next: Option<Vec<Value>>,
    pub sealed: usize,
}

/// Looks at the next rows of a column and seals anew what is not under the current data key.
pub fn page(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    column: &SealedColumn,
    (after, rows_max): (Option<&[Value]>, usize),
) -> Result<Progress, ApiError> {
    let SealedColumn { table, column: sealed, key, more, .. } = column;
    let parts = [*key, *more].concat();
    let names = key.iter().map(|part| part.column()).collect::<Vec<_>>().join(", ");
    let mut binds = vec![room(permit)];
    let mut rest = "WHERE municipality = $1".to_owned();
    if let Some(after) = after {
        let places = (2..2 + after.len()).map(|at| format!("${at}")).collect::<Vec<_>>();
        rest.push_str(&format!(" AND ({names}) > ({})", places.join(", ")));
        binds.extend_from_slice(after);
    }
    rest.push_str(&format!(" ORDER BY {names} LIMIT {rows_max}"));
    let rows = raw::load(tx, (table, &parts, sealed), (&rest, &binds))?;
    let is_last = rows.len() < rows_max;
    let mut progress = Progress::default();
    for row in &rows {
        progress.sealed += usize::from(reseal(tx, (keys, permit), column, row)?);
    }
    let last = rows.into_iter().next_back().filter(|_| !is_last);
    progress.next = last.map(|last| last.values.into_iter().take(key.len()).collect());
    Ok(progress)
}

fn reseal(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    column: &SealedColumn,
    row: &Found,
) -> Result<bool, ApiError> {
    let Some(sealed) = row.sealed.as_ref().filter(|s| !s.starts_with(&keys.data_head())) else {
        return Ok(false);
    };
    let (name, version) = (column.name)(&row.values).ok_or_else(broken_row)?;
    let cell = Cell { table: column.of, column: column.column, row: &name, version };
    let plain = keys.open(&cell, sealed)?;
    let anew = keys.seal(&cell, &plain)?;
    let key = column.key.iter().enumerate();
    let is_this = key.map(|(at, part)| format!("{} = ${}", part.column(), at + 3));
    let is_this = is_this.collect::<Vec<_>>().join(" AND ");
    let SealedColumn { table, column: sealed, .. } = column;
    let sql = format!("UPDATE {table} SET {sealed} = $1 WHERE municipality = $2 AND {is_this}");
    let mut binds = vec![Value::Bytes(anew), room(permit)];
    binds.extend(row.values.iter().take(column.key.len()).cloned());
    let changed = raw::execute(tx, &sql, &binds)?;
    (changed == 1).then_some(true).ok_or_else(broken_row)
}

/// How many cells of a column are not under the current data key.
pub fn older(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    column: &SealedColumn,
) -> Result<i64, ApiError> {
    let SealedColumn { table, column: sealed, .. } = column;
    let head = keys.data_head();
    let sql = format!(
        "SELECT count(*) AS n FROM {table} WHERE municipality = $1 AND {sealed} IS NOT NULL \
         AND substr({sealed}, 1, {}) <> $2",
        head.len()
    );
    raw::count(tx, &sql, &[room(permit), Value::Bytes(head)])
}

fn room(permit: &Permit) -> Value {
    Value::Text(permit.municipality().as_str().to_owned())
}

#[cfg(test)]
#[path = "reseal_tests.rs"]
mod tests;
