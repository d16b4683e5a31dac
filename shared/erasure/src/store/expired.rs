//! Finds doses whose time is over; their dates are sealed, so each is opened.  And doubtful rows that
//! were decided on long ago.

use std::collections::BTreeMap;

use crypto::RoomKeys;
use db::Tx;
use domain::Permit;
use domain::subject::SubjectId;
use room::store::raw::{self, Part, Value};
use room::store::{broken_row, read_uuid, vaccination};
use service::ApiError;
use time::Date;
use uuid::Uuid;
use wire::erasure::DoseHandle;

/// Persons whose doses are opened in one reading.
pub(crate) const PERSONS_MAX: usize = 500;

/// The next persons of a room who have doses, after one of them.
pub(crate) fn persons(
    tx: &mut Tx,
    permit: &Permit,
    after: Option<Uuid>,
) -> Result<Vec<Uuid>, ApiError> {
    let mut binds = vec![super::room(permit)];
    let mut rest = "WHERE municipality = $1".to_owned();
    if let Some(after) = after {
        rest.push_str(" AND subject_id > $2");
        binds.push(Value::Bytes(after.as_bytes().to_vec()));
    }
    rest.push_str(&format!(" GROUP BY subject_id ORDER BY subject_id LIMIT {PERSONS_MAX}"));
    let parts = [Part::Bytes("subject_id")];
    let rows = raw::load(tx, ("vaccination", &parts, "NULL"), (&rest, &binds))?;
    let id = |values: Vec<Value>| match values.as_slice() {
        [Value::Bytes(id)] => read_uuid(id),
        _ => Err(broken_row()),
    };
    rows.into_iter().map(|row| id(row.values)).collect()
}

/// A person's doses and the latest day that any version of each says: a correction to an earlier
/// day does not make a dose go earlier.
pub(crate) fn doses(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    subject: Uuid,
) -> Result<Vec<(DoseHandle, Date)>, ApiError> {
    let held = vaccination::versions(tx, keys, permit, &SubjectId(subject))?;
    let mut latest: BTreeMap<Uuid, Date> = BTreeMap::new();
    for one in held {
        let day = one.version.vaccination.date;
        let known = latest.entry(one.id.0).or_insert(day);
        *known = day.max(*known);
    }
    let handle = |(vaccination, day)| (DoseHandle { subject, vaccination }, day);
    Ok(latest.into_iter().map(handle).collect())
}

/// Doubtful rows that were decided on, the oldest first, with the moment; none of a person whose
/// records somebody holds.
pub(crate) fn doubts(
    tx: &mut Tx,
    permit: &Permit,
    rows_max: usize,
) -> Result<Vec<(Uuid, i64)>, ApiError> {
    let held = "SELECT subject_id FROM erasure_hold WHERE municipality = $1 \
                AND subject_id IS NOT NULL AND lifted_at_unix_ms IS NULL";
    let is_free = |column: &str| format!("({column} IS NULL OR {column} NOT IN ({held}))");
    let rest = format!(
        "WHERE municipality = $1 AND state = 'decided' AND decided_at_unix_ms IS NOT NULL \
         AND {} AND {} ORDER BY decided_at_unix_ms, id LIMIT {rows_max}",
        is_free("subject_id"),
        is_free("taken_for")
    );
    let parts = [Part::Bytes("id"), Part::Number("decided_at_unix_ms")];
    let rows = raw::load(tx, ("quarantine", &parts, "NULL"), (&rest, &[super::room(permit)]))?;
    let read = |values: Vec<Value>| match values.as_slice() {
        [Value::Bytes(id), Value::Number(at)] => Ok((read_uuid(id)?, *at)),
        _ => Err(broken_row()),
    };
    rows.into_iter().map(|row| read(row.values)).collect()
}
