//! When the log cannot be written nobody gets a receipt, and afterwards it goes on.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::time::Duration;

use db::test_support::TestDb;
use diesel::connection::SimpleConnection as _;
use provision_log::{Limits, Log, MIGRATIONS, ROLE};
use service::server::StartError;
use tokio::task::JoinSet;
use world::{World, again, nothing, provided};

/// Twenty at once, none of which gets a receipt.
async fn assert_nothing_released(log: &Log, code: &str) {
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let log = log.clone();
        tasks.spawn(async move { log.append(nothing()).await });
    }
    for answer in tasks.join_all().await {
        let kind = answer.unwrap_err().kind();
        assert_eq!((kind.code, kind.status), (code, 503));
    }
}

#[tokio::test]
async fn a_database_that_refuses_releases_nothing_and_the_log_goes_on() {
    for world in World::each().await {
        let log = world.open().await;
        let before = log.append(nothing()).await.unwrap();
        world
            .sql_of(
                "CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'x'); END",
                "REVOKE INSERT ON entry FROM watari_provision_log",
            )
            .await;
        assert_nothing_released(&log, "unavailable").await;
        world.assert_whole(&log, 1).await;
        // The entries may be written and only their checkpoint not: that is nothing too.
        world
            .sql_of(
                "DROP TRIGGER full; CREATE TRIGGER full BEFORE INSERT ON checkpoint \
                 BEGIN SELECT RAISE(ABORT, 'x'); END",
                "GRANT INSERT ON entry TO watari_provision_log; \
                 REVOKE INSERT ON checkpoint FROM watari_provision_log",
            )
            .await;
        assert_nothing_released(&log, "unavailable").await;
        world.assert_whole(&log, 1).await;
        world
            .sql_of("DROP TRIGGER full", "GRANT INSERT ON checkpoint TO watari_provision_log")
            .await;
        let after = log.append(nothing()).await.unwrap();
        assert_eq!(after.index, 1);
        world.verify(&after);
        world.assert_grew(&log, &before.checkpoint, &after.checkpoint).await;
        world.assert_whole(&log, 2).await;
    }
}

#[tokio::test]
async fn a_locked_table_is_unavailable_not_forever() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let world = World::around(t);
    let log = world.open().await;
    let entry = provided(1);
    let locked = world.t.as_owner(|tx| {
        tx.batch_execute("BEGIN; LOCK TABLE entry IN EXCLUSIVE MODE")?;
        std::thread::sleep(Duration::from_secs(7));
        tx.batch_execute("COMMIT")
    });
    let asked = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        log.append(entry.clone()).await.unwrap_err().kind().code
    };
    let ((), code) = tokio::join!(locked, asked);
    assert_eq!(code, "unavailable");
    world.verify(&log.append(again(&entry)).await.unwrap());
    world.assert_whole(&log, 1).await;
}

#[tokio::test]
async fn an_error_at_commit_is_unknown_and_the_retry_is_definite() {
    for world in World::each().await {
        let log = world.open().await;
        log.append(nothing()).await.unwrap();
        world
            .sql_of(
                "CREATE TABLE promise (seq INTEGER REFERENCES entry (seq) \
                     DEFERRABLE INITIALLY DEFERRED); \
                 CREATE TRIGGER late AFTER INSERT ON entry \
                     BEGIN INSERT INTO promise VALUES (-1); END",
                "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql \
                     AS $$ BEGIN RAISE EXCEPTION 'x'; END $$; \
                 CREATE CONSTRAINT TRIGGER late AFTER INSERT ON entry \
                     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()",
            )
            .await;
        let entry = provided(1);
        let unknown = log.append(entry.clone()).await.unwrap_err();
        assert_eq!(unknown.kind().code, "unknown-outcome");
        world.sql_of("DROP TRIGGER late", "DROP TRIGGER late ON entry").await;
        let receipt = log.append(again(&entry)).await.unwrap();
        assert_eq!(receipt.index, 1);
        world.verify(&receipt);
        world.assert_whole(&log, 2).await;
    }
}

#[tokio::test]
async fn a_second_writer_cannot_fork_the_log() {
    for world in World::each().await {
        let (one, other) = (world.open().await, world.open().await);
        let entry = provided(1);
        let receipt = one.append(entry.clone()).await.unwrap();
        assert_nothing_released(&other, "unavailable").await;
        let late = other.append(nothing()).await.unwrap();
        assert_eq!(late.index, 1);
        world.assert_grew(&other, &receipt.checkpoint, &late.checkpoint).await;

        // A retry may arrive at either of them, also before the other has noticed.
        let more = provided(2);
        other.append(more.clone()).await.unwrap();
        assert_eq!(one.append(again(&more)).await.unwrap_err().kind().code, "unavailable");
        let retried = one.append(again(&more)).await.unwrap();
        assert_eq!(retried.index, 2);
        world.verify(&retried);
        world.assert_whole(&one, 3).await;
    }
}

#[tokio::test]
async fn entries_slipped_in_by_hand_stop_the_log_until_they_are_gone() {
    let leaf = (
        "INSERT INTO leaf SELECT 1, hash, NULL, NULL FROM leaf WHERE seq = 0",
        "DELETE FROM leaf WHERE seq = 1",
        "DROP TRIGGER leaf_is_not_deleted; DELETE FROM leaf WHERE seq = 1",
    );
    let entry = (
        "INSERT INTO entry SELECT 1, segment, act, inquirer, provider, body \
         FROM entry WHERE seq = 0",
        "DELETE FROM entry WHERE seq = 1",
        "DROP TRIGGER entry_is_not_deleted; DELETE FROM entry WHERE seq = 1",
    );
    for (slip, mend, mend_sqlite) in [leaf, entry] {
        for world in World::each().await {
            let log = world.open().await;
            log.append(nothing()).await.unwrap();
            world.sql(slip).await;
            assert_eq!(log.append(nothing()).await.unwrap_err().kind().code, "unavailable");
            assert_nothing_released(&log, "log-diverged").await;
            let refused = world.try_open(Limits::default()).await.unwrap_err();
            assert!(matches!(refused, StartError::Refused(_)));
            world.sql_of(mend_sqlite, mend).await;
            world.verify(&log.append(nothing()).await.unwrap());
            world.assert_whole(&log, 2).await;
        }
    }
}

#[tokio::test]
async fn a_retry_of_what_has_been_destroyed_is_settled_and_gets_no_receipt() {
    for world in World::each().await {
        let log = world.open().await;
        let entry = provided(1);
        log.append(entry.clone()).await.unwrap();
        let gone = "DELETE FROM entry WHERE seq = 0";
        world
            .sql_of("DROP TRIGGER entry_is_not_deleted; DELETE FROM entry WHERE seq = 0", gone)
            .await;
        for retry in [entry.clone(), again(&entry)] {
            let refused = log.append(retry).await.unwrap_err();
            assert_eq!(refused.kind().code, "already-settled");
        }
        assert_eq!(log.append(nothing()).await.unwrap().index, 1);
        drop(log);
        let log = world.open().await;
        assert_eq!(log.append(nothing()).await.unwrap().index, 2, "the leaf is there");
    }
}
