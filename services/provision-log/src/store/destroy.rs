//! What the owner of the tables does when an order says that bodies are to be destroyed, and no
//! service can do.
//!
//! It is one transaction: after a crash either all bodies of the order are there or none.

use db::{DbError, Tx};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::sqlite::SqliteConnection;

use super::schema::entry;
use super::to_seq;

/// How many bytes the bodies' table takes on disk.
#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

#[derive(QueryableByName)]
struct Trigger {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// Whether a checkpoint of SQLite's log had to leave something to others who read just now.
#[derive(QueryableByName)]
struct Busy {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// The outcomes of a month whose bodies are there, in the log's order.
pub(crate) fn outcomes_in(tx: &mut Tx, segment: i32) -> Result<Vec<u64>, DbError> {
    let rows: Vec<i64> = entry::table
        .filter(entry::segment.eq(segment))
        .filter(entry::act.eq("outcome"))
        .order(entry::seq)
        .select(entry::seq)
        .load(tx)?;
    Ok(rows.into_iter().filter_map(|seq| u64::try_from(seq).ok()).collect())
}

/// Bytes on disk of a month's bodies; SQLite knows only those of the whole file.
pub(crate) fn bytes_of(tx: &mut Tx, segment: i32) -> Result<u64, DbError> {
    let found: Bytes = match tx {
        Tx::Sqlite(c) => diesel::sql_query(
            "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size",
        )
        .get_result(c)?,
        Tx::Postgres(c) => diesel::sql_query(
            "SELECT coalesce(pg_total_relation_size(to_regclass('entry_' || $1)), 0) AS bytes",
        )
        .bind::<Integer, _>(segment)
        .get_result(c)?,
    };
    Ok(u64::try_from(found.bytes).unwrap_or_default())
}

/// Destroys these bodies of a month, in one transaction; all others stay.
pub(crate) fn destroy(tx: &mut Tx, segment: i32, gone: &[u64]) -> Result<(), DbError> {
    db::owner_transaction(tx, |tx| match tx {
        Tx::Sqlite(c) => delete(c, segment, gone),
        Tx::Postgres(c) => exchange(c, segment, gone),
    })
}

/// Gives the space back to the disk; `false` if somebody who reads just now holds on to some of it.
pub(crate) fn give_back(tx: &mut Tx) -> Result<bool, DbError> {
    match tx {
        Tx::Sqlite(c) => {
            // A copy of the whole file does not fit into memory; what is gone is not in it.
            c.batch_execute("PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY")?;
            let done: Busy = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(c)?;
            Ok(done.busy == 0)
        }
        // The files of a dropped table are empty at once and gone at the next checkpoint, which
        // also lets go of the write-ahead log; not every owner may ask for one.
        Tx::Postgres(c) => Ok(c.batch_execute("CHECKPOINT").is_ok()),
    }
}

/// SQLite: the trigger that keeps everybody else from it steps aside for this transaction.
/// Deleted bytes are overwritten (`secure_delete`, see `db`).
fn delete(c: &mut SqliteConnection, segment: i32, gone: &[u64]) -> Result<(), DbError> {
    let triggers: Vec<Trigger> = diesel::sql_query(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entry' \
         AND sql LIKE '%BEFORE DELETE ON entry%'",
    )
    .load(c)?;
    for Trigger { name, .. } in &triggers {
        c.batch_execute(&format!("DROP TRIGGER {name}"))?;
    }
    for (from, to) in runs(gone) {
        diesel::delete(entry::table)
            .filter(entry::segment.eq(segment))
            .filter(entry::seq.ge(to_seq(from)))
            .filter(entry::seq.lt(to_seq(to)))
            .execute(c)?;
    }
    for Trigger { sql, .. } in &triggers {
        c.batch_execute(sql)?;
    }
    Ok(())
}

/// PostgreSQL: what stays moves to a new table, which takes the old one's place.
fn exchange(c: &mut PgConnection, segment: i32, gone: &[u64]) -> Result<(), DbError> {
    let table = format!("entry_{segment}");
    let gone: Vec<i64> = gone.iter().copied().map(to_seq).collect();
    c.batch_execute(&format!(
        "LOCK TABLE {table} IN SHARE MODE; CREATE TABLE {table}_kept (LIKE {table} INCLUDING ALL)"
    ))?;
    diesel::sql_query(format!(
        "INSERT INTO {table}_kept SELECT * FROM {table} AS one \
         WHERE NOT EXISTS (SELECT FROM unnest($1) AS gone (seq) WHERE gone.seq = one.seq)"
    ))
    .bind::<Array<BigInt>, _>(gone)
    .execute(c)?;
    // From here on everybody waits; it is a matter of milliseconds.
    c.batch_execute(&format!(
        "ALTER TABLE entry DETACH PARTITION {table}; DROP TABLE {table}; \
         ALTER TABLE {table}_kept RENAME TO {table}; \
         ALTER TABLE entry ATTACH PARTITION {table} FOR VALUES IN ({segment})"
    ))?;
    Ok(())
}

/// Indices that follow each other, as `[from, to)`.
fn runs(indices: &[u64]) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for index in indices {
        match runs.last_mut() {
            Some((_, to)) if to == index => *to += 1,
            _ => runs.push((*index, index + 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn indices_that_follow_each_other_are_one_run() {
        assert_eq!(runs(&[3, 4, 5, 9, 11, 12]), [(3, 6), (9, 10), (11, 13)]);
        assert!(runs(&[]).is_empty());
    }
}
