//! A log is found again as it was left, or not at all.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use diesel::connection::SimpleConnection as _;
use provision_log::Limits;
use service::server::StartError;
use tokio::task::JoinSet;
use world::{World, again, nothing, provided};

async fn fill(log: &provision_log::Log, entries: usize) {
    let mut tasks = JoinSet::new();
    for _ in 0..entries {
        let log = log.clone();
        tasks.spawn(async move { log.append(nothing()).await.unwrap() });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn an_empty_log_begins_with_a_checkpoint_of_size_zero() {
    for world in World::each().await {
        let first = world.open().await.checkpoint();
        assert_eq!(world.read(&first).size, 0);
        assert_eq!(world.open().await.checkpoint(), first, "and is found again, not begun anew");
    }
}

#[tokio::test]
async fn a_restart_finds_the_same_root_and_goes_on() {
    for world in World::each().await {
        let mut entries = 0;
        let first = provided(1);
        for more in [1, 5, 250, 300, 212] {
            let log = world.open().await;
            log.append(again(&first)).await.unwrap();
            fill(&log, more - usize::from(entries == 0)).await;
            entries += more;
            let left = log.checkpoint();
            drop(log);
            let log = world.open().await;
            assert_eq!(log.checkpoint(), left);
            world.verify(&log.append(again(&first)).await.unwrap());
            world.assert_whole(&log, entries).await;
        }
        assert_eq!(entries, 768, "the last one ended on a full tile");
    }
}

#[tokio::test]
async fn a_log_that_is_not_what_was_signed_does_not_open() {
    let damages = [
        ("edited", "UPDATE entry SET body = body || body WHERE seq = 258"),
        ("cut", "DELETE FROM entry WHERE seq = 259"),
        ("hollow", "DELETE FROM entry WHERE seq = 257"),
        ("tile", "UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE idx = 1) WHERE idx = 0"),
        ("no tile", "DELETE FROM tile"),
        ("set back", "DELETE FROM checkpoint WHERE size > 100"),
        ("unsigned", "UPDATE checkpoint SET note = replace(note, 'log.example', 'log.elsewhere')"),
        ("forgotten", "DELETE FROM checkpoint"),
    ];
    for (name, damage) in damages {
        for world in World::each().await {
            let log = world.open().await;
            fill(&log, 520 * usize::from(name == "tile")).await;
            fill(&log, 260 * usize::from(name != "tile")).await;
            drop(log);
            world
                .sql_of(
                    "DROP TRIGGER entry_is_not_changed; DROP TRIGGER entry_is_not_deleted; \
                     DROP TRIGGER tile_is_not_changed; DROP TRIGGER tile_is_not_deleted; \
                     DROP TRIGGER checkpoint_is_not_changed; \
                     DROP TRIGGER checkpoint_is_not_deleted;",
                    "SELECT 1",
                )
                .await;
            world.sql(damage).await;
            let refused = world.try_open(Limits::default()).await;
            assert!(matches!(refused, Err(StartError::Refused(_))), "{name}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn another_key_does_not_take_up_the_log() {
    for world in World::each().await {
        world.open().await;
        let key = world.folder.path().join("log.pem");
        std::fs::remove_file(&key).unwrap();
        crypto::SigningKey::create(&key).unwrap();
        let refused = world.try_open(Limits::default()).await;
        assert!(matches!(refused, Err(StartError::Refused(_))));
    }
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_or_remove() {
    for world in World::each().await {
        let log = world.open().await;
        fill(&log, 300).await;
        for table in ["entry", "tile", "checkpoint"] {
            let column = if table == "checkpoint" { "note = note" } else { "idx = idx" };
            let column = if table == "entry" { "body = body" } else { column };
            let truncate = format!("TRUNCATE {table}");
            let mut statements =
                vec![format!("UPDATE {table} SET {column}"), format!("DELETE FROM {table}")];
            statements.extend((!world.t.is_sqlite()).then_some(truncate));
            for sql in statements {
                let shown = sql.clone();
                let done = world.t.db.transaction("test.tamper", move |tx| {
                    Ok::<(), db::DbError>(tx.batch_execute(&sql)?)
                });
                assert!(done.await.is_err(), "{shown}");
            }
        }
        world.assert_whole(&log, 300).await;
    }
}
