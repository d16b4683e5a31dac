use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use room::operation_log::unix_ms;
use room::store::raw::{self, Value};
use room::store::{failed, operation, read_uuid};
use service::ApiError;
use uuid::Uuid;
use wire::erasure::RoomClosing;
use wire::partition::ListPage;

use super::schema::room_closing;

/// Lines of the operation log that are read at once, and in all: after more than that nobody has
/// looked for long, and records are exported again.
const LINES_AT_ONCE: u16 = 10_000;
const LINES_MAX: u64 = 100_000;

pub(crate) fn insert(tx: &mut Tx, permit: &Permit, (id, by): (Uuid, &str)) -> Result<(), ApiError> {
    diesel::insert_into(room_closing::table)
        .values((
            room_closing::municipality.eq(permit.municipality().as_str()),
            room_closing::id.eq(id.as_bytes().as_slice()),
            room_closing::proposed_by.eq(by),
            room_closing::proposed_at_unix_ms.eq(unix_ms(permit.context().at)),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Row = (Vec<u8>, String, Option<String>);

type Columns = (room_closing::id, room_closing::proposed_by, room_closing::slip);

const COLUMNS: Columns = (room_closing::id, room_closing::proposed_by, room_closing::slip);

fn read((id, proposed_by, slip): Row) -> Result<RoomClosing, ApiError> {
    Ok(RoomClosing { closing: read_uuid(&id)?, closed: slip.is_some(), proposed_by, slip })
}

pub(crate) fn find(
    tx: &mut Tx,
    permit: &Permit,
    id: Uuid,
) -> Result<Option<RoomClosing>, ApiError> {
    let row: Option<Row> = room_closing::table
        .filter(room_closing::municipality.eq(permit.municipality().as_str()))
        .filter(room_closing::id.eq(id.as_bytes().as_slice()))
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

/// The closing that two persons agreed on; the keys may not be destroyed yet.
pub(crate) fn agreed(tx: &mut Tx, permit: &Permit) -> Result<Option<RoomClosing>, ApiError> {
    let row: Option<Row> = room_closing::table
        .filter(room_closing::municipality.eq(permit.municipality().as_str()))
        .filter(room_closing::slip.is_not_null())
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

pub(crate) fn agree(
    tx: &mut Tx,
    permit: &Permit,
    (id, by, slip): (Uuid, &str, &str),
) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let row = room_closing::table
        .filter(room_closing::municipality.eq(municipality.as_str()))
        .filter(room_closing::id.eq(id.as_bytes().as_slice()));
    diesel::update(row)
        .set((
            room_closing::approved_by.eq(by),
            room_closing::approved_at_unix_ms.eq(unix_ms(permit.context().at)),
            room_closing::slip.eq(slip),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

/// Whether a record was written after the operation log was so long.
///
/// A record carries the time at which its act was asked for, and so does the act's line: the
/// earliest of the lines since then is before every record written since.
pub(crate) fn is_changed_since(
    tx: &mut Tx,
    permit: &Permit,
    operations: u64,
) -> Result<bool, ApiError> {
    let mut earliest: Option<i64> = None;
    let mut page = ListPage { from: operations, limit: LINES_AT_ONCE };
    loop {
        let lines = operation::list(tx, permit, &page)?;
        let times = lines.iter().map(|line| line.entry.at_unix_ms);
        earliest = earliest.into_iter().chain(times).min();
        let Some(last) = lines.last() else { break };
        page.from = last.sequence + 1;
        if page.from.saturating_sub(operations) > LINES_MAX {
            return Ok(true);
        }
    }
    let Some(earliest) = earliest else { return Ok(false) };
    for table in ["subject", "vaccination"] {
        let sql = format!(
            "SELECT count(*) AS n FROM (SELECT 1 FROM {table} WHERE municipality = $1 \
             AND created_at_unix_ms >= $2 LIMIT 1) AS one"
        );
        if raw::count(tx, &sql, &[super::room(permit), Value::Number(earliest)])? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
