//! Statements over tables that stand in a list: what is the same for every table is written once.
//!
//! Names of tables and columns are constants of this program; values are always bound.

use db::{Tx, on_engine};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use service::ApiError;

use super::{broken_row, failed};

/// A column of a key, with how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Bytes(&'static str),
    Number(&'static str),
    Text(&'static str),
}

impl Part {
    pub fn column(self) -> &'static str {
        match self {
            Self::Bytes(name) | Self::Number(name) | Self::Text(name) => name,
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Bytes(Vec<u8>),
    Number(i64),
    Text(String),
}

impl Value {
    /// Bytes as they are, numbers in eight bytes, texts in UTF-8.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Number(number) => number.to_be_bytes().to_vec(),
            Self::Text(text) => text.as_bytes().to_vec(),
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value(redacted)")
    }
}

/// A row may have so many columns of interest, besides one that is sealed.
const PARTS_MAX: usize = 5;

/// Each column of interest in the place for its kind, and NULL in the others.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Binary>)]
    b0: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    n0: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    t0: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    b1: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    n1: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    t1: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    b2: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    n2: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    t2: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    b3: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    n3: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    t3: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    b4: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    n4: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    t4: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    sealed: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The values of a row's columns of interest, and its sealed value.
#[derive(Debug)]
pub struct Found {
    pub values: Vec<Value>,
    pub sealed: Option<Vec<u8>>,
}

/// Reads `parts` and `sealed` (a column, or `NULL`) of the rows that `rest` says.
pub fn load(
    tx: &mut Tx,
    (table, parts, sealed): (&str, &[Part], &str),
    (rest, binds): (&str, &[Value]),
) -> Result<Vec<Found>, ApiError> {
    let columns = columns(parts);
    let sql = format!("SELECT {columns}, CAST({sealed} AS BYTEA) AS sealed FROM {table} {rest}");
    // SQLite has no BYTEA: there the cast would make a number of it.
    let rows: Vec<Row> = match tx {
        Tx::Sqlite(c) => bound(&sql.replace("BYTEA", "BLOB"), binds).load(c),
        Tx::Postgres(c) => bound(&sql, binds).load(c),
    }
    .map_err(failed)?;
    rows.into_iter().map(|row| row.into_found(parts.len())).collect()
}

/// How many rows a statement has changed.
pub fn execute(tx: &mut Tx, sql: &str, binds: &[Value]) -> Result<usize, ApiError> {
    on_engine!(tx, c => bound(sql, binds).execute(c)).map_err(failed)
}

/// The one number that a statement called `n` asks for.
pub fn count(tx: &mut Tx, sql: &str, binds: &[Value]) -> Result<i64, ApiError> {
    let found: Count = on_engine!(tx, c => bound(sql, binds).get_result(c)).map_err(failed)?;
    Ok(found.n)
}

type Query<'a, DB> = diesel::query_builder::BoxedSqlQuery<'a, DB, diesel::query_builder::SqlQuery>;

fn bound<'a, DB>(sql: &str, binds: &'a [Value]) -> Query<'a, DB>
where
    DB: diesel::backend::Backend
        + diesel::sql_types::HasSqlType<Binary>
        + diesel::sql_types::HasSqlType<BigInt>
        + diesel::sql_types::HasSqlType<Text>,
    [u8]: diesel::serialize::ToSql<Binary, DB>,
    i64: diesel::serialize::ToSql<BigInt, DB>,
    str: diesel::serialize::ToSql<Text, DB>,
{
    let query = diesel::sql_query(sql).into_boxed::<DB>();
    binds.iter().fold(query, |query, bind| match bind {
        Value::Bytes(bytes) => query.bind::<Binary, _>(bytes.as_slice()),
        Value::Number(number) => query.bind::<BigInt, _>(*number),
        Value::Text(text) => query.bind::<Text, _>(text.as_str()),
    })
}

fn columns(parts: &[Part]) -> String {
    let places = (0..PARTS_MAX).map(|at| {
        let (bytes, number, text) = match parts.get(at) {
            None => ("NULL", "NULL", "NULL"),
            Some(Part::Bytes(name)) => (*name, "NULL", "NULL"),
            Some(Part::Number(name)) => ("NULL", *name, "NULL"),
            Some(Part::Text(name)) => ("NULL", "NULL", *name),
        };
        format!(
            "CAST({bytes} AS BYTEA) AS b{at}, CAST({number} AS BIGINT) AS n{at}, \
             CAST({text} AS TEXT) AS t{at}"
        )
    });
    places.collect::<Vec<_>>().join(", ")
}

impl Row {
    fn into_found(self, parts: usize) -> Result<Found, ApiError> {
        let places = [
            (self.b0, self.n0, self.t0),
            (self.b1, self.n1, self.t1),
            (self.b2, self.n2, self.t2),
            (self.b3, self.n3, self.t3),
            (self.b4, self.n4, self.t4),
        ];
        let value = |(bytes, number, text): (Option<Vec<u8>>, Option<i64>, Option<String>)| {
            let bytes = bytes.map(Value::Bytes);
            bytes.or(number.map(Value::Number)).or(text.map(Value::Text))
        };
        let values: Vec<Value> = places.into_iter().take(parts).map_while(value).collect();
        let is_whole = values.len() == parts;
        is_whole.then_some(Found { values, sealed: self.sealed }).ok_or_else(broken_row)
    }
}
