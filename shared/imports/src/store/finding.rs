use std::borrow::Cow;

use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;
use uuid::Uuid;

use super::schema::import_finding;
use super::{broken_row, failed};

/// Something that is said about a line of a file, or about what the file lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<Cow<'static, str>>,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) about: Option<Uuid>,
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = import_finding, treat_none_as_default_value = false)]
struct Row {
    municipality: String,
    import_id: Vec<u8>,
    seq: i64,
    line: Option<i64>,
    column_name: Option<String>,
    reason: String,
    about: Option<Vec<u8>>,
}

/// Rows of one statement; SQLite takes 32,766 values.
const ROWS_MAX: usize = 1_000;

pub(crate) fn insert(
    tx: &mut Tx,
    permit: &Permit,
    (import, first): (Uuid, u64),
    findings: &[Finding],
) -> Result<(), ApiError> {
    let mut seq = i64::try_from(first).map_err(|_| broken_row())?;
    for chunk in findings.chunks(ROWS_MAX) {
        let mut rows = Vec::with_capacity(chunk.len());
        for finding in chunk {
            rows.push(Row {
                municipality: permit.municipality().as_str().to_owned(),
                import_id: import.as_bytes().to_vec(),
                seq,
                line: finding.line.map(i64::try_from).transpose().map_err(|_| broken_row())?,
                column_name: finding.column.as_deref().map(str::to_owned),
                reason: finding.reason.clone().into_owned(),
                about: finding.about.map(|about| about.as_bytes().to_vec()),
            });
            seq += 1;
        }
        let insert = diesel::insert_into(import_finding::table).values(&rows);
        on_engine!(tx, c => insert.execute(c)).map_err(failed)?;
    }
    Ok(())
}

pub(crate) fn read(
    tx: &mut Tx,
    permit: &Permit,
    import: Uuid,
    (from, limit): (i64, u16),
) -> Result<Vec<Finding>, ApiError> {
    let rows: Vec<Row> = import_finding::table
        .filter(import_finding::municipality.eq(permit.municipality().as_str()))
        .filter(import_finding::import_id.eq(import.as_bytes().as_slice()))
        .filter(import_finding::seq.ge(from))
        .order(import_finding::seq)
        .limit(i64::from(limit))
        .load(tx)
        .map_err(failed)?;
    let read = |row: Row| {
        let about = row.about.map(|about| ::room::store::read_uuid(&about)).transpose()?;
        let line = row.line.map(u64::try_from).transpose().map_err(|_| broken_row())?;
        let (column, reason) = (row.column_name.map(Cow::Owned), Cow::Owned(row.reason));
        Ok(Finding { line, column, reason, about })
    };
    rows.into_iter().map(read).collect()
}

pub(crate) fn delete(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<(), ApiError> {
    let code = permit.municipality();
    let own = import_finding::table
        .filter(import_finding::municipality.eq(code.as_str()))
        .filter(import_finding::import_id.eq(import.as_bytes().as_slice()));
    diesel::delete(own).execute(tx).map(drop).map_err(failed)
}
