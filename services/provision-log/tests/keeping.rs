//! What is kept outside the database, and how one key follows another.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::time::Duration;

use ledger::{Checkpoint, Origin};
use provision_log::{Keys, Log, Opening};
use service::server::StartError;
use world::{ORIGIN, World, nothing};

async fn append(log: &Log, entries: usize) {
    for _ in 0..entries {
        log.append(nothing()).await.unwrap();
    }
}

fn sentence<T: std::fmt::Debug>(refused: Result<T, StartError>) -> &'static str {
    match refused {
        Err(StartError::Refused(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

/// Takes the database back to three entries, as a backup would.
async fn set_back(world: &World) {
    let delete = "DELETE FROM leaf WHERE seq >= 3; DELETE FROM entry WHERE seq >= 3; \
                  DELETE FROM checkpoint WHERE size > 3";
    if world.t.is_sqlite() {
        let drop = "DROP TRIGGER leaf_is_not_deleted; DROP TRIGGER entry_is_not_deleted; \
                    DROP TRIGGER checkpoint_is_not_deleted";
        world.sql(drop).await;
    }
    world.sql(delete).await;
}

#[tokio::test]
async fn a_log_that_was_set_back_does_not_start_before_it_is_reconciled() {
    for world in World::each().await {
        let log = world.open().await;
        append(&log, 3).await;
        let third = log.checkpoint();
        append(&log, 2).await;
        log.rest().await;
        assert_eq!(world.read(&std::fs::read_to_string(world.head_file()).unwrap()).size, 5);
        set_back(&world).await;
        for _ in 0..2 {
            let refusal = sentence(world.try_open_with(world.opening()).await);
            assert!(refusal.contains("watari log reconcile"), "{refusal}");
        }
        std::fs::write(world.head_file(), third).unwrap();
        let log = world.open().await;
        append(&log, 1).await;
        world.assert_whole(&log, 4).await;
    }
}

#[tokio::test]
async fn a_head_file_that_lags_behind_is_no_obstacle_and_one_that_is_missing_is() {
    for world in World::each().await {
        let log = world.open().await;
        append(&log, 2).await;
        let second = log.checkpoint();
        append(&log, 3).await;
        drop(log);
        std::fs::write(world.head_file(), &second).unwrap();
        assert_eq!(world.read(&world.open().await.checkpoint()).size, 5);
        std::fs::remove_file(world.head_file()).unwrap();
        let refusal = sentence(world.try_open_with(world.opening()).await);
        assert!(refusal.contains("watari log reconcile"), "{refusal}");
        let foreign = second.replace("log.example", "log.elsewhere");
        for text in [String::new(), "nonsense".to_owned(), foreign] {
            std::fs::write(world.head_file(), text).unwrap();
            sentence(world.try_open_with(world.opening()).await);
        }
        let rewritten = Checkpoint {
            origin: Origin::parse(ORIGIN).unwrap(),
            size: 2,
            root: ledger::leaf_hash(b"other"),
        };
        std::fs::write(world.head_file(), rewritten.sign(&world.signer()).to_string()).unwrap();
        sentence(world.try_open_with(world.opening()).await);
    }
}

#[tokio::test]
async fn an_empty_log_needs_no_head_file_and_makes_one_whose_folder_must_exist() {
    for world in World::each().await {
        let elsewhere = world.folder.path().join("nowhere/log.head");
        sentence(world.try_open_with(Opening { head_file: elsewhere, ..world.opening() }).await);
        let log = world.open().await;
        let written = std::fs::read_to_string(world.head_file()).unwrap();
        assert_eq!(written, log.checkpoint());
        std::fs::remove_file(world.head_file()).unwrap();
        world.open().await;
    }
}

#[tokio::test]
async fn the_head_file_follows_within_seconds() {
    for world in World::each().await {
        let log = world.open().await;
        let tending = tokio::spawn(log.clone().tend());
        append(&log, 3).await;
        for _ in 0..60 {
            if std::fs::read_to_string(world.head_file()).unwrap() == log.checkpoint() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(std::fs::read_to_string(world.head_file()).unwrap(), log.checkpoint());
        tending.abort();
    }
}

#[tokio::test]
async fn one_key_follows_another_without_a_gap() {
    for world in World::each().await {
        let (old, new) = (|| world.key("log.pem"), || world.key("new.pem"));
        let origin = Origin::parse(ORIGIN).unwrap();
        let holds = |note: &str, key: ledger::Signer| {
            Checkpoint::open(note, &origin, std::slice::from_ref(key.verifier())).is_ok()
        };
        append(&world.open().await, 2).await;

        let both = Keys { overlapping: Some(new()), ..Keys::new(old()) };
        let log = world.try_open_with(Opening { keys: both, ..world.opening() }).await.unwrap();
        assert!(holds(&log.checkpoint(), old()) && holds(&log.checkpoint(), new()), "at once");
        append(&log, 2).await;
        assert!(holds(&log.checkpoint(), old()) && holds(&log.checkpoint(), new()));

        let both = Keys { overlapping: Some(old()), ..Keys::new(new()) };
        let log = world.try_open_with(Opening { keys: both, ..world.opening() }).await.unwrap();
        append(&log, 2).await;
        assert!(holds(&log.checkpoint(), old()) && holds(&log.checkpoint(), new()));

        let after = Keys { former: vec![old().verifier().clone()], ..Keys::new(new()) };
        let log = world.try_open_with(Opening { keys: after, ..world.opening() }).await.unwrap();
        append(&log, 2).await;
        assert!(!holds(&log.checkpoint(), old()) && holds(&log.checkpoint(), new()));

        let third = world.key("third.pem");
        sentence(world.try_open_with(Opening { keys: Keys::new(third), ..world.opening() }).await);
    }
}

#[tokio::test]
async fn a_log_signed_under_a_former_key_is_signed_anew_at_the_start() {
    for world in World::each().await {
        append(&world.open().await, 2).await;
        let new = world.key("new.pem");
        let verifier = new.verifier().clone();
        let keys = Keys { former: vec![world.signer().verifier().clone()], ..Keys::new(new) };
        let log = world.try_open_with(Opening { keys, ..world.opening() }).await.unwrap();
        let signed = world::read_note(&log.checkpoint(), &verifier);
        assert_eq!(signed.size, 2);
    }
}
