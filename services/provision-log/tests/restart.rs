//! A log is found again as it was left, or not at all.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use db::test_support::TestDb;
use diesel::connection::SimpleConnection as _;
use provision_log::{Limits, MIGRATIONS, ROLE};
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
        ("cut", "DELETE FROM leaf WHERE seq = 259"),
        ("hollow", "DELETE FROM leaf WHERE seq = 257"),
        (
            "another leaf",
            "UPDATE leaf SET hash = (SELECT hash FROM leaf WHERE seq = 1) WHERE seq = 257",
        ),
        ("a foreign leaf", "INSERT INTO leaf SELECT 260, hash, NULL, NULL FROM leaf WHERE seq = 1"),
        (
            "a foreign entry",
            "INSERT INTO entry SELECT 260, segment, act, inquirer, provider, body \
             FROM entry WHERE seq = 1",
        ),
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
                     DROP TRIGGER leaf_is_not_changed; DROP TRIGGER leaf_is_not_deleted; \
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
        world.sql("INSERT INTO cosigned VALUES (300, 1, 'note')").await;
        for (table, column) in [
            ("leaf", "hash = hash"),
            ("entry", "body = body"),
            ("tile", "idx = idx"),
            ("checkpoint", "note = note"),
            ("cosigned", "note = note"),
        ] {
            let truncate = format!("TRUNCATE {table}");
            let mut statements =
                vec![format!("UPDATE {table} SET {column}"), format!("DELETE FROM {table}")];
            statements.extend((!world.t.is_sqlite()).then_some(truncate));
            for sql in statements {
                assert!(world.as_service(sql.clone()).await.is_err(), "{sql}");
            }
        }
        world.assert_whole(&log, 300).await;
    }
}

#[tokio::test]
async fn the_services_role_makes_room_for_months_and_has_no_power_over_them() {
    let Some(t) = TestDb::postgres(&MIGRATIONS, ROLE).await else { return };
    let world = World::around(t);
    let may = async |sql: &str| world.as_service(sql.to_owned()).await.is_ok();
    for month in [202_611, 202_612, 202_612] {
        assert!(may(&format!("SELECT open_segment({month})")).await, "{month}");
    }
    for month in ["0", "-1", "202613", "202600", "2026011", "199912", "300001", "NULL"] {
        assert!(!may(&format!("SELECT open_segment({month})")).await, "{month}");
    }
    let body = r"'outcome', '072036', '131211', '\x7b7d'";
    assert!(may(&format!("INSERT INTO entry VALUES (0, 202612, {body})")).await);
    assert!(!may(&format!("INSERT INTO entry VALUES (1, 202701, {body})")).await, "no room yet");
    for sql in [
        "SELECT * FROM entry_202612",
        "INSERT INTO entry_202612 SELECT 2, segment, act, inquirer, provider, body FROM entry",
        "UPDATE entry_202612 SET body = body",
        "DELETE FROM entry_202612",
        "TRUNCATE entry_202612",
        "DROP TABLE entry_202612",
        "ALTER TABLE entry DETACH PARTITION entry_202612",
        "ALTER TABLE entry_202612 OWNER TO watari_provision_log",
        "CREATE TABLE entry_202701 PARTITION OF entry FOR VALUES IN (202701)",
        "CREATE OR REPLACE FUNCTION open_segment(month INTEGER) RETURNS VOID LANGUAGE sql AS ''",
        "ALTER FUNCTION open_segment(INTEGER) RESET search_path",
        "SET ROLE postgres",
    ] {
        assert!(!may(sql).await, "{sql}");
    }
    // Whoever reads for long is not waited for.
    let reading = world.t.as_owner(|tx| {
        tx.batch_execute("BEGIN; SELECT count(*) FROM entry; SELECT pg_sleep(3); COMMIT")
    });
    let opening = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let begun = std::time::Instant::now();
        assert!(may("SELECT open_segment(203001)").await);
        begun.elapsed()
    };
    let ((), took) = tokio::join!(reading, opening);
    assert!(took.as_millis() < 1_500, "{took:?}");
    // Names of the caller's own making lead the function nowhere.
    let trap = "CREATE TEMP TABLE entry (segment INTEGER) PARTITION BY LIST (segment); \
                SET LOCAL search_path = pg_temp, public; SELECT open_segment(202702)";
    assert!(may(trap).await);
    assert!(may(&format!("INSERT INTO public.entry VALUES (3, 202702, {body})")).await);
}
