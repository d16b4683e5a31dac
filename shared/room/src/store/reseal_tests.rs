//! Every sealed column is sealed anew, as the service's own role, on both engines.

use crypto::{Cell, KeyStore, RoomKeys};
use db::test_support::TestDb;
use db::{RoomKey, Tx};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::{
    Action, Actor, MunicipalityCode, OpContext, Permit, RequestId, ServiceKind, authorize,
};
use service::ApiError;
use time::OffsetDateTime;

use super::*;

const ADACHI: &str = "131211";
/// Read in so many steps that every page ends inside a key.
const ROWS: u8 = 5;

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// The columns of a table as the engine knows them.
fn columns_of(tx: &mut Tx, table: &str) -> Vec<Column> {
    let sql = match tx {
        Tx::Sqlite(_) => {
            format!("SELECT name, upper(type) AS kind FROM pragma_table_info('{table}')")
        }
        Tx::Postgres(_) => format!(
            "SELECT column_name::text AS name, upper(data_type)::text AS kind \
             FROM information_schema.columns WHERE table_name = '{table}'"
        ),
    };
    diesel::sql_query(sql).load(tx).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value of the column's kind, different for each row.
fn filler(kind: &str, row: u8, is_sqlite: bool) -> String {
    let bytes = |bytes: &[u8]| match is_sqlite {
        true => format!("X'{}'", hex(bytes)),
        false => format!("'\\x{}'::bytea", hex(bytes)),
    };
    match kind {
        "TEXT" => format!("'text-{row}'"),
        "BYTEA" | "BLOB" => bytes(&[row; 16]),
        "BOOLEAN" => "TRUE".to_owned(),
        _ => row.to_string(),
    }
}

/// The value that `filler` has given to a part of a key.
fn value(part: Part, row: u8) -> Value {
    match part {
        Part::Bytes(_) => Value::Bytes(vec![row; 16]),
        Part::Number(_) => Value::Number(row.into()),
        Part::Text(_) => Value::Text(format!("text-{row}")),
    }
}

/// A row whose sealed columns are all sealed, as the table's writers do.
fn insert(tx: &mut Tx, keys: &RoomKeys, (table, row): (&str, u8)) {
    let is_sqlite = matches!(tx, Tx::Sqlite(_));
    let columns = columns_of(tx, table);
    let values = columns.iter().map(|column| {
        if column.name == "municipality" {
            return format!("'{ADACHI}'");
        }
        let own = COLUMNS.iter().find(|own| own.table == table && own.column == column.name);
        let Some(own) = own else { return filler(&column.kind, row, is_sqlite) };
        let parts = [own.key, own.more].concat();
        let named: Vec<Value> = parts.into_iter().map(|part| value(part, row)).collect();
        let (name, version) = (own.name)(&named).unwrap();
        let cell = Cell { table: own.of, column: own.column, row: &name, version };
        let sealed = hex(&keys.seal(&cell, b"plain").unwrap());
        if is_sqlite { format!("X'{sealed}'") } else { format!("'\\x{sealed}'::bytea") }
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let names = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    tx.batch_execute(&format!("INSERT INTO {table} ({names}) VALUES ({values})")).unwrap();
}

fn permit() -> Permit {
    let actor = Actor::Service { kind: ServiceKind::Partition, instance: "p1".to_owned() };
    let context = OpContext::new(actor, RequestId::make_random(), OffsetDateTime::UNIX_EPOCH);
    authorize(&context, Action::RunJobs, MunicipalityCode::parse(ADACHI).unwrap()).unwrap()
}

#[tokio::test]
async fn every_listed_column_is_sealed_anew_by_the_services_own_role() {
    for test in TestDb::each(&crate::MIGRATIONS, crate::ROLE).await {
        let disk = tempfile::tempdir().unwrap();
        let store = KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms")).unwrap();
        let adachi = MunicipalityCode::parse(ADACHI).unwrap();
        let before = store.make_room(adachi).unwrap();
        test.as_owner(move |tx| {
            let mut tables: Vec<&str> = COLUMNS.iter().map(|column| column.table).collect();
            tables.dedup();
            for table in tables {
                (1..=ROWS).for_each(|row| insert(tx, &before, (table, row)));
            }
            Ok(())
        })
        .await;
        let after = std::sync::Arc::new(store.rotate_data_key(adachi).unwrap());
        let room = RoomKey::parse(ADACHI).unwrap();
        for column in COLUMNS {
            let keys = std::sync::Arc::clone(&after);
            let sealed = test.db.room_transaction("test", room, move |tx| {
                let (with, mut from, mut sealed) = ((&*keys, &permit()), None, 0);
                assert_eq!(older(tx, with, column)?, i64::from(ROWS), "{column:?}");
                loop {
                    let from_last: Option<Vec<Value>> = from.take();
                    let progress = page(tx, with, column, (from_last.as_deref(), 2))?;
                    sealed += progress.sealed;
                    match progress.next {
                        Some(next) => from = Some(next),
                        None => break,
                    }
                }
                assert_eq!(older(tx, with, column)?, 0, "{column:?}");
                assert_eq!(page(tx, with, column, (None, 100))?.sealed, 0, "once is enough");
                Ok::<_, ApiError>(sealed)
            });
            assert_eq!(sealed.await.unwrap(), usize::from(ROWS), "{column:?}");
        }
        // What is left opens without the older key.
        store.destroy_older_data_keys(adachi).unwrap();
        let newer = std::sync::Arc::new(store.rotate_data_key(adachi).unwrap());
        let again = test.db.room_transaction("test", room, move |tx| {
            let with = (&*newer, &permit());
            let pages = COLUMNS.iter().map(|column| page(tx, with, column, (None, 100)));
            pages.map(|page| page.map(|page| page.sealed)).sum::<Result<usize, ApiError>>()
        });
        assert_eq!(again.await.unwrap(), COLUMNS.len() * usize::from(ROWS));
    }
}

/// Somebody with every right on the database puts one row's sealed value into every other row.
#[tokio::test]
async fn a_value_moved_to_another_row_opens_in_no_listed_column() {
    for test in TestDb::each(&crate::MIGRATIONS, crate::ROLE).await {
        let disk = tempfile::tempdir().unwrap();
        let store = KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms")).unwrap();
        let adachi = MunicipalityCode::parse(ADACHI).unwrap();
        let before = store.make_room(adachi).unwrap();
        test.as_owner(move |tx| {
            let mut tables: Vec<&str> = COLUMNS.iter().map(|column| column.table).collect();
            tables.dedup();
            for table in tables {
                (1..=ROWS).for_each(|row| insert(tx, &before, (table, row)));
            }
            for SealedColumn { table, column, .. } in COLUMNS {
                let one = format!("SELECT {column} FROM {table} ORDER BY {column} LIMIT 1");
                tx.batch_execute(&format!("UPDATE {table} SET {column} = ({one})")).unwrap();
            }
            Ok(())
        })
        .await;
        let after = std::sync::Arc::new(store.rotate_data_key(adachi).unwrap());
        for column in COLUMNS {
            let keys = std::sync::Arc::clone(&after);
            let room = RoomKey::parse(ADACHI).unwrap();
            let read = test.db.room_transaction("test", room, move |tx| {
                page(tx, (&*keys, &permit()), column, (None, 100)).map(drop)
            });
            assert!(read.await.is_err(), "{column:?}");
        }
    }
}
