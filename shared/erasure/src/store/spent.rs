//! What only had a purpose for a time and is nobody's record.

use db::Tx;
use domain::Permit;
use room::store::raw::{self, Value};
use service::ApiError;

/// Each with the moment before which it is spent, as `$2`.
const SPENT: [&str; 2] = [
    // A device sends no capture again after so long.
    "DELETE FROM capture_done WHERE municipality = $1 AND done_at_unix_ms < $2",
    // What was found in a file, for its sender.
    "DELETE FROM import_finding WHERE municipality = $1 AND import_id IN (SELECT id \
     FROM import_file WHERE municipality = $1 AND decided_at_unix_ms < $2)",
];

/// Deletes what was dealt with before a moment; says how many rows.
pub(crate) fn delete(tx: &mut Tx, permit: &Permit, before_unix_ms: i64) -> Result<usize, ApiError> {
    let binds = [super::room(permit), Value::Number(before_unix_ms)];
    SPENT.iter().map(|sql| raw::execute(tx, sql, &binds)).sum()
}
