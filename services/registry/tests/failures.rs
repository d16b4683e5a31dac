//! What cannot be written down does not happen.

mod world;

use diesel::connection::SimpleConnection as _;
use wire::registry::{self as paths, SuspendOperator};
use world::caller::problem;
use world::{PASSWORD, World, operator, settled};

/// Nothing can be appended to the access log: full disk, missing right, broken table.
async fn jam_access_log(w: &World) {
    let sql = if w.t.is_sqlite() {
        "CREATE TRIGGER jam BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'jam'); END"
    } else {
        "REVOKE INSERT ON access_log FROM watari_registry"
    };
    w.t.as_owner(move |tx| tx.batch_execute(sql)).await;
}

#[tokio::test]
async fn what_cannot_be_written_down_does_not_happen() {
    for w in settled().await {
        let nation = w.nation().await;
        jam_access_log(&w).await;
        let refused = w.at("131211-t").log_in("clerk-adachi", PASSWORD).await.unwrap_err();
        assert_eq!(problem(refused).status, 503);
        // A wrong password fails the same way: a jammed log is no way to try without a trace.
        let refused = w.at("131211-t").log_in("clerk-adachi", "wrong").await.unwrap_err();
        assert_eq!(problem(refused).status, 503);
        let suspend = SuspendOperator { operator: operator("clerk-adachi") };
        assert_eq!(
            nation.change(paths::OPERATORS_SUSPEND, &suspend).await.unwrap_err(),
            "unavailable"
        );
        assert!(w.revocations().await.operators.is_empty());
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_database_that_is_gone_gives_no_token_and_is_reported() {
    for w in settled().await {
        let sql = "DROP TABLE session";
        w.t.as_owner(move |tx| tx.batch_execute(sql)).await;
        let adachi = w.at("131211-t");
        let refused = adachi.log_in("clerk-adachi", PASSWORD).await.unwrap_err();
        assert_eq!(problem(refused).status, 500);
        let log = w.access_log().await;
        let last = log.last().unwrap();
        assert_eq!((last.action.as_str(), last.result.as_str()), ("LogIn", "internal"));
        w.running.stop().await;
    }
}

#[tokio::test]
async fn the_role_that_serves_changes_nothing_of_the_access_log() {
    for w in settled().await {
        for table in ["access_log", "access_tile", "access_checkpoint"] {
            let column = if table == "access_tile" { "level" } else { "municipality" };
            let column = if table == "access_checkpoint" { "note" } else { column };
            if table == "access_tile" {
                let tile = format!("INSERT INTO {table} (level, idx, hashes) VALUES (9, 9, '')");
                w.t.as_owner(move |tx| tx.batch_execute(&tile)).await;
            }
            let update = format!("UPDATE {table} SET {column} = {column}");
            for sql in [update, format!("DELETE FROM {table}")] {
                let tried = sql.clone();
                let done: Result<(), db::DbError> =
                    w.t.db
                        .transaction("test.tamper", move |tx| Ok(tx.batch_execute(&tried)?))
                        .await;
                assert!(done.is_err(), "{sql} {:?}", w.t);
            }
        }
        w.running.stop().await;
    }
}
