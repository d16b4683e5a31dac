//! A room is walled by the database, too.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use db::test_support::TestDb;
use db::{Db, DbConfig, DbError, FaultKind, RoomKey, Tx};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use world::{MIGRATIONS, ROLE, each, note};

fn room(code: &str) -> RoomKey {
    RoomKey::parse(code).unwrap()
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Nullable<Text>)]
    municipality: Option<String>,
}

fn setting(tx: &mut Tx) -> Result<String, DbError> {
    let row: Setting =
        diesel::sql_query("SELECT current_setting('watari.municipality', true) AS municipality")
            .get_result(tx)?;
    Ok(row.municipality.unwrap_or_default())
}

fn insert(tx: &mut Tx, municipality: &str, body: &str) -> Result<(), DbError> {
    diesel::insert_into(note::table)
        .values((
            note::municipality.eq(municipality),
            note::id.eq(1),
            note::body.eq(body.to_owned()),
        ))
        .execute(tx)?;
    Ok(())
}

fn bodies(tx: &mut Tx) -> Result<Vec<String>, DbError> {
    Ok(note::table.select(note::body).order(note::body).load(tx)?)
}

/// One connection, so that what one transaction leaves behind the next would find.
async fn on_one_connection(t: &TestDb) -> Db {
    Db::open(&DbConfig { connections_max: 1, ..t.config.clone() }).await.unwrap()
}

#[tokio::test]
async fn the_room_is_set_inside_and_gone_after() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let db = on_one_connection(&t).await;
    assert_eq!(db.room_transaction("test", room("131211"), setting).await.unwrap(), "131211");
    assert_eq!(db.transaction("test", setting).await.unwrap(), "");
    assert_eq!(db.room_read("test", room("072036"), setting).await.unwrap(), "072036");
    assert_eq!(db.read("test", setting).await.unwrap(), "");
    let blocking = db.clone();
    let inside = tokio::task::spawn_blocking(move || {
        blocking.room_transaction_blocking("test", room("472131"), setting)
    });
    assert_eq!(inside.await.unwrap().unwrap(), "472131");
    assert_eq!(db.transaction("test", setting).await.unwrap(), "");
}

#[tokio::test]
async fn without_a_room_there_are_no_rows_and_with_one_only_its_own() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let db = on_one_connection(&t).await;
    for code in ["131211", "072036"] {
        db.room_transaction("test", room(code), move |tx| insert(tx, code, code)).await.unwrap();
    }
    assert_eq!(db.read("test", bodies).await.unwrap(), Vec::<String>::new());
    assert_eq!(db.room_read("test", room("072036"), bodies).await.unwrap(), ["072036"]);
    let across = db.room_transaction("test", room("072036"), |tx| insert(tx, "131211", "x")).await;
    let Err(DbError::Query(fault)) = across else { panic!("{across:?}") };
    assert_eq!(fault.kind, FaultKind::AccessDenied);
}

#[tokio::test]
async fn on_sqlite_a_room_changes_nothing() {
    let t = TestDb::sqlite(&MIGRATIONS).await;
    t.db.room_transaction("test", room("131211"), |tx| insert(tx, "131211", "x")).await.unwrap();
    assert_eq!(t.db.room_read("test", room("131211"), bodies).await.unwrap(), ["x"]);
}

#[tokio::test]
async fn an_error_names_the_constraint_and_never_the_value() {
    const NUMBER: &str = "999912345678";
    for t in each().await {
        let write = |tx: &mut Tx| insert(tx, "131211", NUMBER);
        t.db.room_transaction("test", room("131211"), write).await.unwrap();
        let again =
            t.db.room_transaction("test", room("131211"), |tx| {
                diesel::insert_into(note::table)
                    .values((
                        note::municipality.eq("131211"),
                        note::id.eq(2),
                        note::body.eq(NUMBER),
                    ))
                    .execute(tx)
                    .map(drop)
                    .map_err(DbError::from)
            })
            .await
            .unwrap_err();
        assert!(again.is_unique_violation(), "{t:?}");
        let text = format!("{again} {again:?} {:?}", std::error::Error::source(&again));
        assert!(!text.contains(NUMBER), "{text}");
        let expected = if t.is_sqlite() { "note.body" } else { "note_body" };
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_value_the_engine_quotes_is_not_repeated() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let error =
        t.db.read("test", |tx| -> Result<(), DbError> {
            diesel::sql_query("SELECT ($1)::text::integer::text AS municipality")
                .bind::<Text, _>("999912345678x")
                .get_result::<Setting>(tx)?;
            Ok(())
        })
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("9999"), "{error:?}");
}

#[tokio::test]
async fn what_was_not_granted_is_refused() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    for sql in ["SELECT id FROM fenced_off", "DELETE FROM counter", "CREATE TABLE mine (id INT)"] {
        let done =
            t.db.transaction("test", move |tx| {
                diesel::sql_query(sql).execute(tx).map(drop).map_err(DbError::from)
            })
            .await;
        let Err(DbError::Query(fault)) = done else { panic!("{sql}: {done:?}") };
        assert_eq!(fault.kind, FaultKind::AccessDenied, "{sql}");
    }
}
