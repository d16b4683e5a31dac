//! What a long log shows at the start, and what only the look over all of it does.

use std::sync::Arc;

use crypto::SigningKey;
use db::test_support::TestDb;
use diesel::connection::SimpleConnection as _;
use domain::{Actor, OpContext, RequestId, ServiceKind, SystemClock};
use ledger::{KeyName, Signer, Tree, Verifier};
use time::OffsetDateTime;

use crate::access::Access;
use crate::access_log::{AccessLog, append};
use crate::verify_access_log::{Damage, verify_access_log, verify_newest};
use crate::{MIGRATIONS, ROLE};

/// Some groups end with a tile, others lie over its edge.
const GROUPS: [usize; 12] = [200, 100, 212, 200, 100, 212, 200, 100, 212, 200, 100, 212];
const LINES: u64 = 2_048;

fn line() -> Access {
    let actor = Actor::Service { kind: ServiceKind::Broker, instance: "main".to_owned() };
    let request = RequestId::parse("r").unwrap();
    Access::of(&OpContext::new(actor, request, OffsetDateTime::UNIX_EPOCH), "LogIn").with("done")
}

async fn filled() -> Vec<(TestDb, AccessLog, Vec<Verifier>)> {
    let mut all = Vec::new();
    for t in TestDb::each(&MIGRATIONS, ROLE).await {
        let key = SigningKey::make_random().unwrap().into_ed25519();
        let signer = Signer::new(KeyName::parse("registry/access").unwrap(), key);
        let keys = vec![signer.verifier().clone()];
        let log = AccessLog::new(t.db.clone(), signer, Arc::new(SystemClock));
        for (number, lines) in GROUPS.into_iter().enumerate() {
            let lines = vec![line(); lines];
            log.write("test.fill", move |_| Ok(((), lines.clone()))).await.unwrap();
            if number % 5 == 0 {
                log.sign().await;
            }
        }
        log.sign().await;
        all.push((t, log, keys));
    }
    all
}

async fn tamper(t: &TestDb, sql: &str) {
    let mut all = String::new();
    for table in ["access_log", "access_tile"].into_iter().filter(|_| t.is_sqlite()) {
        all += &format!("DROP TRIGGER IF EXISTS {table}_no_delete;");
    }
    let sql = all + sql;
    t.as_owner(move |tx| tx.batch_execute(&sql)).await;
}

#[tokio::test]
async fn groups_of_lines_carry_one_root_and_are_whole() {
    for (t, _, keys) in filled().await {
        let report = verify_access_log(&t.db, &keys).await.unwrap();
        assert!(report.is_intact(), "{report:?}");
        assert_eq!(report.lines, LINES);
        tamper(&t, "DELETE FROM access_log WHERE seq IN (255, 256, 2000);").await;
        let damage = verify_access_log(&t.db, &keys).await.unwrap().damage;
        assert_eq!(damage, [255, 256, 2000].map(Damage::Line));
    }
}

#[tokio::test]
async fn the_start_looks_at_the_newest_lines_and_the_background_at_all() {
    for (t, log, keys) in filled().await {
        tamper(&t, "DELETE FROM access_log WHERE seq = 10;").await;
        assert!(verify_newest(&t.db, &keys, 2).await.unwrap().is_intact());
        let all = verify_newest(&t.db, &keys, 400).await.unwrap();
        assert_eq!(all.sequences(), [10]);
        log.check(&keys).await;
        assert!(log.is_damaged());
        // Old damage is no reason to lose what is done from now on.
        log.add(line()).await.unwrap();
    }
}

#[tokio::test]
async fn the_start_looks_back_to_the_newest_checkpoint_however_old() {
    for (t, log, keys) in filled().await {
        for _ in 0..6 {
            log.write("test.fill", |_| Ok(((), vec![line(); 256]))).await.unwrap();
        }
        tamper(&t, "DELETE FROM access_log WHERE seq IN (10, 2047);").await;
        let found = verify_newest(&t.db, &keys, 0).await.unwrap();
        assert_eq!(found.sequences(), [2047]);
    }
}

#[tokio::test]
async fn a_log_that_moved_on_without_us_is_taken_up_and_one_that_was_replaced_is_not() {
    for (t, log, keys) in filled().await {
        let key = SigningKey::make_random().unwrap().into_ed25519();
        let signer = Signer::new(KeyName::parse("registry/access").unwrap(), key);
        let other = AccessLog::new(t.db.clone(), signer, Arc::new(SystemClock));
        other.add(line()).await.unwrap();
        log.add(line()).await.unwrap();
        other.add(line()).await.unwrap();
        assert!(verify_access_log(&t.db, &keys).await.unwrap().is_intact());
        // To the end of a group, as if the rest had never been.
        let cut = "DELETE FROM access_log WHERE seq >= 812; DELETE FROM access_tile WHERE idx > 2;";
        tamper(&t, cut).await;
        assert!(log.add(line()).await.is_err() && log.is_damaged());
        // Somebody who has never seen the lines that are gone writes others in their place.
        let key = SigningKey::make_random().unwrap().into_ed25519();
        let signer = Signer::new(KeyName::parse("registry/access").unwrap(), key);
        let third = AccessLog::new(t.db.clone(), signer, Arc::new(SystemClock));
        let lines = vec![line().with("other"); 1_300];
        third.write("test.other", move |_| Ok(((), lines.clone()))).await.unwrap();
        assert!(other.add(line()).await.is_err() && other.is_damaged());
    }
}

#[tokio::test]
async fn after_an_unknown_commit_the_log_itself_tells_what_was_kept() {
    for (t, log, _) in filled().await {
        let batch = |tx: &mut db::Tx| append(tx, &Tree::new(), vec![line()]);
        let kept = t.db.transaction("test.kept", batch).await.unwrap();
        assert_eq!(log.was_kept(kept.tree()).await, Some(true));
        // Computed and not written: the transaction was rolled back.
        let lost = kept.tree().stage([ledger::leaf_hash(b"lost")]);
        assert_eq!(log.was_kept(lost.tree()).await, Some(false));
        log.add(line()).await.unwrap();
        assert_eq!(log.was_kept(kept.tree()).await, Some(true));
        assert_eq!(log.was_kept(lost.tree()).await, Some(false));
    }
}
