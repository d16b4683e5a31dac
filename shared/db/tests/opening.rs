//! What is checked before the first transaction.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use db::test_support::TestDb;
use db::{Db, DbConfig, DbError, DbUrl, FaultKind, Migrations, ensure_role, migrate};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use diesel_migrations::embed_migrations;
use world::{MIGRATIONS, ROLE, each};

static LATER: Migrations = Migrations {
    sqlite: embed_migrations!("tests/migrations_later/sqlite"),
    postgres: embed_migrations!("tests/migrations_later/postgres"),
};

fn config(url: &str) -> DbConfig {
    let url = DbUrl::parse(url).unwrap();
    DbConfig { url, connections_max: 2, pool_wait_ms_max: 300 }
}

#[tokio::test]
async fn a_mistyped_path_creates_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typo.db");
    let opened = Db::open(&config(&format!("sqlite:{}", path.display()))).await;
    assert_eq!(opened.unwrap_err(), DbError::SchemaOutdated);
    assert!(!path.exists());

    let nowhere = folder.path().join("no-such-folder/a.db");
    let url = DbUrl::parse(&format!("sqlite:{}", nowhere.display())).unwrap();
    assert_eq!(migrate(&url, &MIGRATIONS).await, Err(DbError::FileUnusable));
}

#[tokio::test]
async fn only_its_owner_can_read_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b%20?.db");
    let config = config(&format!("sqlite:{}", path.display()));
    assert_eq!(
        migrate(&config.url, &MIGRATIONS).await.unwrap(),
        ["2021-04-12-000000_create_tests"]
    );
    let db = Db::open(&config).await.unwrap();
    db.transaction("test", |tx| Ok::<_, DbError>(tx.batch_execute("UPDATE counter SET n = 1")?))
        .await
        .unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(names.len() >= 2, "the file and its log: {names:?}");
    for file in names {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn sqlite_is_set_up_to_keep_and_to_forget() {
    #[derive(QueryableByName)]
    struct Pragmas {
        #[diesel(sql_type = Text)]
        journal: String,
        #[diesel(sql_type = Integer)]
        synchronous: i32,
        #[diesel(sql_type = Integer)]
        foreign_keys: i32,
        #[diesel(sql_type = Integer)]
        secure_delete: i32,
        #[diesel(sql_type = Integer)]
        temp_store: i32,
    }
    let t = TestDb::sqlite(&MIGRATIONS).await;
    let p =
        t.db.read("test", |tx| {
            diesel::sql_query(
                "SELECT journal_mode AS journal, synchronous, foreign_keys, secure_delete, \
                 temp_store FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, \
                 pragma_secure_delete, pragma_temp_store",
            )
            .get_result::<Pragmas>(tx)
            .map_err(DbError::from)
        })
        .await
        .unwrap();
    assert_eq!(p.journal, "wal");
    assert_eq!((p.synchronous, p.foreign_keys, p.secure_delete, p.temp_store), (2, 1, 1, 2));
}

#[tokio::test]
async fn postgres_waits_for_nobody_for_ever() {
    #[derive(QueryableByName)]
    struct Settings {
        #[diesel(sql_type = Text)]
        all: String,
    }
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let settings =
        t.db.read("test", |tx| {
            diesel::sql_query(
                "SELECT concat_ws(' ', current_setting('statement_timeout'), \
                 current_setting('lock_timeout'), \
                 current_setting('idle_in_transaction_session_timeout'), \
                 current_setting('application_name'), current_user) AS all",
            )
            .get_result::<Settings>(tx)
            .map_err(DbError::from)
        })
        .await
        .unwrap();
    assert_eq!(settings.all, "10s 5s 15s watari watari_test");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_unavailable_not_empty() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let done =
        t.db.read("test", |tx| {
            tx.batch_execute("SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)")
                .map_err(DbError::from)
        })
        .await;
    let Err(DbError::Query(fault)) = &done else { panic!("{done:?}") };
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert!(done.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn a_schema_behind_the_program_is_refused_until_it_is_migrated() {
    for t in each().await {
        t.db.require_schema(&MIGRATIONS).await.unwrap();
        assert_eq!(t.db.require_schema(&LATER).await, Err(DbError::SchemaOutdated), "{t:?}");
        assert_eq!(migrate(&t.owner, &LATER).await.unwrap(), ["2022-03-30-000000_add_later"]);
        assert_eq!(migrate(&t.owner, &LATER).await.unwrap(), Vec::<String>::new());
        t.db.require_schema(&LATER).await.unwrap();
        t.db.require_schema(&MIGRATIONS).await.unwrap();
    }
}

#[tokio::test]
async fn an_empty_database_is_not_up_to_date() {
    for t in each().await {
        t.as_owner(|tx| tx.batch_execute("DROP TABLE __diesel_schema_migrations")).await;
        assert_eq!(t.db.require_schema(&MIGRATIONS).await, Err(DbError::SchemaOutdated), "{t:?}");
        assert!(t.db.ping().await.is_err(), "{t:?}");
        let Err(DbError::Migration { name, .. }) = migrate(&t.owner, &MIGRATIONS).await else {
            panic!("the tables are there already")
        };
        assert_eq!(name.as_deref(), Some("2021-04-12-000000_create_tests"), "{t:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_migrate_at_once_do_it_once() {
    for t in each().await {
        let (one, two) = tokio::join!(migrate(&t.owner, &LATER), migrate(&t.owner, &LATER));
        assert_eq!(one.unwrap().len() + two.unwrap().len(), 1, "{t:?}");
    }
}

#[tokio::test]
async fn a_superuser_is_no_service() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let opened = Db::open(&DbConfig { url: t.owner.clone(), ..t.config.clone() }).await;
    assert_eq!(opened.unwrap_err(), DbError::RoleUnfenced);
}

#[tokio::test]
async fn a_database_whose_commits_are_not_on_disk_is_refused() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    t.as_owner(|tx| {
        tx.batch_execute(
            "DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
            END $$",
        )
    })
    .await;
    assert_eq!(Db::open(&t.config).await.unwrap_err(), DbError::NotDurable);
}

#[tokio::test]
async fn a_role_is_made_once_and_its_password_is_quoted() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let password = r#"o'r"\$$ $1 %"#;
    let again = || ensure_role(&t.owner, "watari_test_quoted", Some(password));
    let (one, two) = tokio::join!(again(), again());
    one.unwrap();
    two.unwrap();
    ensure_role(&t.owner, "watari_test_quoted", None).await.unwrap();
    let refused = ensure_role(&t.owner, "x; DROP TABLE note", None).await;
    assert_eq!(refused, Err(DbError::InvalidRole));
    let drop = "DROP OWNED BY watari_test_quoted; DROP ROLE watari_test_quoted";
    t.as_owner(move |tx| tx.batch_execute(drop)).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_soon() {
    let opened = Db::open(&config("postgres://nobody:hunter2@127.0.0.1:1/nothing")).await;
    assert_eq!(opened.unwrap_err(), DbError::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_too_long_for_a_turn_is_told_so() {
    for t in each().await {
        let few = DbConfig { connections_max: 1, pool_wait_ms_max: 100, ..t.config.clone() };
        let db = Db::open(&few).await.unwrap();
        db.ping().await.unwrap();
        let busy = db.clone();
        let slow = tokio::spawn(async move {
            busy.transaction("test.slow", |_| {
                std::thread::sleep(Duration::from_millis(600));
                Ok::<_, DbError>(())
            })
            .await
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(db.pool_gauge().in_use, 1, "{t:?}");
        assert_eq!(db.ping().await, Err(DbError::Unavailable), "{t:?}");
        slow.await.unwrap().unwrap();
        db.ping().await.unwrap();
        assert_eq!(db.pool_gauge().in_use, 0, "{t:?}");
    }
}
