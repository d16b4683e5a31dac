//! The log's tables as a superuser reaches them, past triggers and grants.

use db::Tx;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

diesel::table! {
    leaf (seq) {
        seq -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    entry (seq) {
        seq -> BigInt,
        segment -> Integer,
        act -> Text,
        inquirer -> Nullable<Text>,
        provider -> Nullable<Text>,
        body -> Binary,
    }
}

diesel::table! {
    tile (level, idx) {
        level -> SmallInt,
        idx -> BigInt,
        hashes -> Binary,
    }
}

diesel::table! {
    checkpoint (size, issued_at_unix_ms) {
        size -> BigInt,
        issued_at_unix_ms -> BigInt,
        root -> Binary,
        note -> Text,
    }
}

diesel::table! {
    cosigned (size, cosigned_at_unix_ms) {
        size -> BigInt,
        cosigned_at_unix_ms -> BigInt,
        note -> Text,
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

pub(super) fn connect(url: &str) -> Tx {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection = SqliteConnection::establish(path).unwrap();
            connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            Tx::Sqlite(connection)
        }
        None => Tx::Postgres(PgConnection::establish(url).unwrap()),
    }
}

/// Connects as the owner and takes everything down that stands in the way of a change.
pub(super) fn attack(url: &str) -> Tx {
    let mut tx = connect(url);
    if let Tx::Sqlite(connection) = &mut tx {
        let triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'";
        let triggers: Vec<Name> = sql_query(triggers).load(connection).unwrap();
        for Name { name } in triggers {
            connection.batch_execute(&format!("DROP TRIGGER {name}")).unwrap();
        }
    }
    tx
}

pub(super) fn seq(index: u64) -> i64 {
    i64::try_from(index).unwrap()
}

pub(super) fn body(tx: &mut Tx, index: u64) -> Vec<u8> {
    entry::table.filter(entry::seq.eq(seq(index))).select(entry::body).first(tx).unwrap()
}

pub(super) fn bodies(tx: &mut Tx) -> Vec<(u64, Vec<u8>)> {
    let rows: Vec<(i64, Vec<u8>)> =
        entry::table.order(entry::seq).select((entry::seq, entry::body)).load(tx).unwrap();
    rows.into_iter().map(|(seq, body)| (u64::try_from(seq).unwrap(), body)).collect()
}

pub(super) fn set_body(tx: &mut Tx, index: u64, body: &[u8]) {
    let row = entry::table.filter(entry::seq.eq(seq(index)));
    let changed = diesel::update(row).set(entry::body.eq(body)).execute(tx).unwrap();
    assert_eq!(changed, 1);
}

/// Changes a word in a body to another of the same length.
pub(super) fn edit(tx: &mut Tx, index: u64) {
    let edited = edited(&body(tx, index));
    set_body(tx, index, &edited);
}

/// The same body, asked for by somebody else.
pub(super) fn edited(body: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(body).unwrap();
    let changed = text.replacen("\"operator\":\"", "\"operator\":\"x", 1);
    assert_ne!(text, changed);
    changed.into_bytes()
}

pub(super) fn set_leaf(tx: &mut Tx, index: u64, body: &[u8]) {
    let row = leaf::table.filter(leaf::seq.eq(seq(index)));
    let hash = ledger::leaf_hash(body);
    diesel::update(row).set(leaf::hash.eq(hash.as_bytes().as_slice())).execute(tx).unwrap();
}

pub(super) fn delete(tx: &mut Tx, from: u64, to: u64) {
    let rows = entry::table.filter(entry::seq.ge(seq(from))).filter(entry::seq.lt(seq(to)));
    let gone = diesel::delete(rows).execute(tx).unwrap();
    assert_eq!(seq(to) - seq(from), i64::try_from(gone).unwrap());
}

/// Gives every entry from here on another number.
pub(super) fn shift(tx: &mut Tx, from: u64, by: i64) {
    // A number is taken until its owner has moved: everybody goes by way of far beyond.
    const FAR: i64 = 1 << 40;
    let rows = entry::table.filter(entry::seq.ge(seq(from)));
    diesel::update(rows).set(entry::seq.eq(entry::seq + FAR)).execute(tx).unwrap();
    let rows = entry::table.filter(entry::seq.ge(FAR));
    diesel::update(rows).set(entry::seq.eq(entry::seq - (FAR - by))).execute(tx).unwrap();
}

/// A row like that of another entry, with this body.
pub(super) fn insert(tx: &mut Tx, index: u64, like: u64, body: &[u8]) {
    type Columns = (i32, String, Option<String>, Option<String>);
    let (segment, act, inquirer, provider): Columns = entry::table
        .filter(entry::seq.eq(seq(like)))
        .select((entry::segment, entry::act, entry::inquirer, entry::provider))
        .first(tx)
        .unwrap();
    let row = (
        entry::seq.eq(seq(index)),
        entry::segment.eq(segment),
        entry::act.eq(act),
        entry::inquirer.eq(inquirer),
        entry::provider.eq(provider),
        entry::body.eq(body),
    );
    diesel::insert_into(entry::table).values(row).execute(tx).unwrap();
}

pub(super) fn notes(tx: &mut Tx) -> Vec<(u64, String)> {
    let order = (checkpoint::size, checkpoint::issued_at_unix_ms);
    let rows: Vec<(i64, String)> = checkpoint::table
        .order(order)
        .select((checkpoint::size, checkpoint::note))
        .load(tx)
        .unwrap();
    rows.into_iter().map(|(size, note)| (u64::try_from(size).unwrap(), note)).collect()
}

pub(super) fn execute(tx: &mut Tx, sql: &str) {
    tx.batch_execute(sql).unwrap();
}

/// Executes one statement; how many rows it touched.
pub(super) fn count(tx: &mut Tx, sql: &str) -> usize {
    sql_query(sql).execute(tx).unwrap()
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    bytes: i64,
}

/// PostgreSQL only.
pub(super) fn database_bytes(tx: &mut Tx) -> u64 {
    let sql = "SELECT pg_database_size(current_database()) AS bytes";
    let found: Bytes = sql_query(sql).get_result(tx).unwrap();
    u64::try_from(found.bytes).unwrap()
}
