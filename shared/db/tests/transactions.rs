//! All of it happens, or none, and the caller knows which.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use db::test_support::TestDb;
use db::{Db, DbError, FaultKind, RoomKey, Tx, TxError};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use world::{MIGRATIONS, ROLE, counter, each, note, promise};

fn room(code: &str) -> RoomKey {
    RoomKey::parse(code).unwrap()
}

/// How a service's own error wraps ours.
#[derive(Debug)]
enum Refused {
    Rule,
    Db(DbError),
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl TxError for Refused {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Rule => None,
            Self::Db(error) => Some(error),
        }
    }
}

fn increment(tx: &mut Tx, id: i32) -> Result<i64, DbError> {
    Ok(diesel::update(counter::table.find(id))
        .set(counter::n.eq(counter::n + 1))
        .returning(counter::n)
        .get_result(tx)?)
}

async fn count(t: &TestDb, id: i32) -> i64 {
    t.db.read("test.count", move |tx| -> Result<i64, DbError> {
        Ok(counter::table.find(id).select(counter::n).first(tx)?)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn what_is_done_stays_and_what_is_refused_leaves_nothing() {
    for t in each().await {
        t.db.transaction("test.keep", |tx| increment(tx, 1)).await.unwrap();
        let refused: Result<(), Refused> =
            t.db.transaction("test.refuse", |tx| {
                increment(tx, 1)?;
                Err(Refused::Rule)
            })
            .await;
        assert!(matches!(refused, Err(Refused::Rule)));
        assert_eq!(count(&t, 1).await, 1, "{t:?}");
    }
}

#[tokio::test]
async fn a_failure_in_a_savepoint_leaves_the_rest() {
    for t in each().await {
        t.db.transaction("test.savepoint", |tx| -> Result<(), DbError> {
            increment(tx, 1)?;
            let failed = tx.transaction(|tx| -> Result<(), DbError> {
                increment(tx, 2)?;
                diesel::insert_into(counter::table)
                    .values((counter::id.eq(1), counter::n.eq(9)))
                    .execute(tx)?;
                Ok(())
            });
            assert!(failed.unwrap_err().is_unique_violation());
            increment(tx, 1)?;
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!((count(&t, 1).await, count(&t, 2).await), (2, 0), "{t:?}");
    }
}

#[tokio::test]
async fn a_failure_that_is_passed_over_is_never_taken_for_success() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let done =
        t.db.transaction("test.swallow", |tx| {
            increment(tx, 1)?;
            let twice = diesel::insert_into(counter::table)
                .values((counter::id.eq(1), counter::n.eq(9)))
                .execute(tx);
            assert!(twice.is_err());
            Ok(())
        })
        .await;
    assert_eq!(done, Err(DbError::RolledBack));
    assert_eq!(count(&t, 1).await, 0);
    t.db.transaction("test.after", |tx| increment(tx, 1)).await.unwrap();
}

#[tokio::test]
async fn an_error_at_commit_is_unknown_and_the_connection_is_good_afterwards() {
    for t in each().await {
        let done =
            t.db.transaction("test.promise", |tx| -> Result<(), DbError> {
                increment(tx, 1)?;
                diesel::insert_into(promise::table).values(promise::counter.eq(77)).execute(tx)?;
                Ok(())
            })
            .await;
        let Err(DbError::CommitUnknown(fault)) = done else { panic!("{done:?} {t:?}") };
        assert_eq!(fault.kind, FaultKind::ForeignKeyViolation, "{t:?}");
        assert_eq!(count(&t, 1).await, 0, "{t:?}");
        t.db.transaction("test.after", |tx| increment(tx, 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_lost_before_commit_is_an_error_and_the_next_one_is_fresh() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let done =
        t.db.transaction("test.lose", |tx| -> Result<(), DbError> {
            increment(tx, 1)?;
            let _ = tx.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())");
            increment(tx, 1)?;
            Ok(())
        })
        .await;
    assert!(done.unwrap_err().is_unavailable());
    let done =
        t.db.transaction("test.lose_last", |tx| -> Result<(), DbError> {
            increment(tx, 1)?;
            let _ = tx.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())");
            Ok(())
        })
        .await;
    assert!(matches!(done, Err(DbError::CommitUnknown(_))), "{done:?}");
    assert_eq!(count(&t, 1).await, 0);
}

#[tokio::test]
async fn a_restarted_server_costs_nobody_an_error() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let all = (0..8).map(|_| {
        let db = t.db.clone();
        tokio::spawn(async move { db.transaction("test.warm", |tx| increment(tx, 1)).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    t.as_owner(|tx| {
        tx.batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE usename = 'watari_test' AND datname = current_database()",
        )
    })
    .await;
    for n in 9..12 {
        let done = t.db.transaction("test.after", |tx| increment(tx, 1)).await;
        assert_eq!(done, Ok(n));
    }
    t.db.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_who_read_and_then_write_all_succeed() {
    for t in each().await {
        let sqlite = t.is_sqlite();
        let all = (0..16).map(|_| {
            let db = t.db.clone();
            tokio::spawn(async move {
                db.transaction("test.race", move |tx| -> Result<(), DbError> {
                    if !sqlite {
                        tx.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
                    }
                    let n: i64 = counter::table.find(1).select(counter::n).first(tx)?;
                    diesel::update(counter::table.find(1)).set(counter::n.eq(n + 1)).execute(tx)?;
                    Ok(())
                })
                .await
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap().unwrap();
        }
        assert_eq!(count(&t, 1).await, 16, "{t:?}");
    }
}

/// Two pools are two processes: the queue inside one of them does not hold the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_takes_the_write_lock_before_the_first_read() {
    let t = TestDb::sqlite(&MIGRATIONS).await;
    let other = Db::open(&t.config).await.unwrap();
    let tries = Arc::new(AtomicU32::new(0));
    let all = (0..32).map(|n| {
        let db = if n % 2 == 0 { t.db.clone() } else { other.clone() };
        let tries = Arc::clone(&tries);
        tokio::spawn(async move {
            db.transaction("test.two", move |tx| -> Result<(), DbError> {
                tries.fetch_add(1, Ordering::SeqCst);
                let n: i64 = counter::table.find(1).select(counter::n).first(tx)?;
                std::thread::sleep(Duration::from_millis(1));
                diesel::update(counter::table.find(1)).set(counter::n.eq(n + 1)).execute(tx)?;
                Ok(())
            })
            .await
        })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!((count(&t, 1).await, tries.load(Ordering::SeqCst)), (32, 32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deadlock_is_resolved_by_trying_again() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    t.as_owner(|tx| {
        tx.batch_execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''20ms''', \
             current_database()); END $$",
        )
    })
    .await;
    let db = Db::open(&t.config).await.unwrap();
    let all = (0..16).map(|n| {
        let db = db.clone();
        let (first, second) = if n % 2 == 0 { (1, 2) } else { (2, 1) };
        tokio::spawn(async move {
            db.transaction("test.deadlock", move |tx| {
                increment(tx, first)?;
                std::thread::sleep(Duration::from_millis(3));
                increment(tx, second)
            })
            .await
        })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!((count(&t, 1).await, count(&t, 2).await), (16, 16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writer_on_its_own_thread_takes_turns_with_the_others() {
    for t in each().await {
        let db = t.db.clone();
        let gathered = tokio::task::spawn_blocking(move || {
            for _ in 0..10 {
                db.transaction_blocking("test.gather", |tx| increment(tx, 1))?;
            }
            db.room_transaction_blocking("test.gather", room("131211"), |tx| increment(tx, 1))
        });
        for _ in 0..10 {
            t.db.transaction("test.single", |tx| increment(tx, 1)).await.unwrap();
        }
        gathered.await.unwrap().unwrap();
        assert_eq!(count(&t, 1).await, 21, "{t:?}");
    }
}

#[tokio::test]
async fn a_read_can_not_write() {
    for t in each().await {
        let done = t.db.read("test.write", |tx| increment(tx, 1)).await;
        let Err(DbError::Query(fault)) = done else { panic!("{done:?} {t:?}") };
        assert_eq!(fault.kind, FaultKind::ReadOnly, "{t:?}");
        t.db.transaction("test.after", |tx| increment(tx, 1)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_sees_one_state_throughout() {
    for t in each().await {
        let db = t.db.clone();
        let seen =
            t.db.read("test.twice", move |tx| -> Result<(i64, i64), DbError> {
                let before = counter::table.find(1).select(counter::n).first(tx)?;
                db.transaction_blocking("test.between", |tx| increment(tx, 1))?;
                Ok((before, counter::table.find(1).select(counter::n).first(tx)?))
            })
            .await;
        assert_eq!(seen, Ok((0, 0)), "{t:?}");
    }
}

#[tokio::test]
async fn several_rows_go_in_with_one_statement() {
    for t in each().await {
        let inserted =
            t.db.room_transaction("test.many", room("131211"), |tx| -> Result<usize, DbError> {
                let rows: Vec<_> = (0..50)
                    .map(|id| {
                        (
                            note::municipality.eq("131211"),
                            note::id.eq(id),
                            note::body.eq(format!("note {id}")),
                        )
                    })
                    .collect();
                let insert = diesel::insert_into(note::table).values(&rows);
                Ok(db::on_engine!(tx, c => insert.execute(c))?)
            })
            .await;
        assert_eq!(inserted, Ok(50), "{t:?}");
    }
}

#[tokio::test]
async fn a_panic_inside_is_passed_on_and_leaves_nothing() {
    for t in each().await {
        let db = t.db.clone();
        let panicked = tokio::spawn(async move {
            db.transaction("test.panic", |tx| -> Result<(), DbError> {
                increment(tx, 1)?;
                panic!("on purpose")
            })
            .await
        });
        assert!(panicked.await.unwrap_err().is_panic());
        assert_eq!(count(&t, 1).await, 0, "{t:?}");
        t.db.transaction("test.after", |tx| increment(tx, 1)).await.unwrap();
    }
}
