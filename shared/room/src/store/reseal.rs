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

/// A column whose cells are sealed with the data key.
#[derive(Debug)]
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    /// The primary key after the municipality.
    key: &'static [Part],
    /// Further columns that the name of a cell is made of.
    more: &'static [Part],
    /// How its cells are called; the same as where the column is written.
    name: fn(&[Value]) -> Option<Name>,
}

/// A cell's name as its writer gives it.
struct Name {
    table: &'static str,
    row: Vec<u8>,
    version: u32,
}

impl Name {
    fn new(table: &'static str, row: Vec<u8>) -> Option<Self> {
        Some(Self { table, row, version: 1 })
    }
}

pub static COLUMNS: &[SealedColumn] = &[
    SealedColumn {
        table: "subject",
        column: "sealed",
        key: &[Bytes("id"), Number("version")],
        more: &[],
        name: |values| match values {
            [Value::Bytes(id), Value::Number(version)] => {
                versioned("subject", id.clone(), *version)
            }
            _ => None,
        },
    },
    SealedColumn {
        table: "subject_number",
        column: "number_sealed",
        key: &[Bytes("number_index")],
        more: &[Bytes("subject_id")],
        name: |values| match values {
            [_, Value::Bytes(subject)] => Name::new("subject_number", subject.clone()),
            _ => None,
        },
    },
    SealedColumn {
        table: "voucher",
        column: "sealed",
        key: &[Bytes("voucher_index"), Number("dose_number")],
        more: &[Bytes("subject_id")],
        name: |values| match values {
            [Value::Bytes(index), Value::Number(dose), Value::Bytes(subject)] => {
                let dose = u16::try_from(*dose).ok()?.to_be_bytes();
                Name::new("voucher", [subject.as_slice(), index, &dose].concat())
            }
            _ => None,
        },
    },
    SealedColumn {
        table: "vaccination",
        column: "sealed",
        key: &[Bytes("subject_id"), Bytes("id"), Number("version")],
        more: &[],
        name: |values| match values {
            [Value::Bytes(subject), Value::Bytes(id), Value::Number(version)] => {
                versioned("vaccination", [subject.as_slice(), id].concat(), *version)
            }
            _ => None,
        },
    },
    SealedColumn {
        table: "inquiry",
        column: "answer_sealed",
        key: &[Bytes("id")],
        more: &[],
        name: |values| whole_key("inquiry", values),
    },
    SealedColumn {
        table: "inquiry",
        column: "receipt_sealed",
        key: &[Bytes("id")],
        more: &[],
        name: |values| whole_key("inquiry", values),
    },
    SealedColumn {
        table: "quarantine",
        column: "sealed",
        key: &[Bytes("id")],
        more: &[],
        name: |values| whole_key("quarantine", values),
    },
    SealedColumn {
        table: "quarantine",
        column: "decision_sealed",
        key: &[Bytes("id")],
        more: &[],
        name: |values| whole_key("quarantine", values),
    },
];

fn versioned(table: &'static str, row: Vec<u8>, version: i64) -> Option<Name> {
    Some(Name { table, row, version: u32::try_from(version).ok()? })
}

/// The row is called by its key alone.
fn whole_key(table: &'static str, values: &[Value]) -> Option<Name> {
    Name::new(table, values.iter().map(Value::to_bytes).collect::<Vec<_>>().concat())
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
    let name = (column.name)(&row.values).ok_or_else(broken_row)?;
    let Name { table, row: ref name, version } = name;
    let cell = Cell { table, column: column.column, row: name, version };
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
