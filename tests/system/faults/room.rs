//! The asker's own database fails: nothing is sent without the act on record, nothing is shown
//! without the answer kept.

use std::time::Duration;

use domain::ServiceKind;
use wire::partition::AskAnswer;
use wire::{CallError, Owner};

use super::database::Damage;
use super::stage::{ROOM, Stage, on_both};

const NO_BEGIN: Damage = Damage {
    sqlite: [
        "CREATE TRIGGER broken BEFORE INSERT ON inquiry BEGIN SELECT RAISE(ABORT, 'broken'); END",
        "DROP TRIGGER broken",
    ],
    postgres: [
        "REVOKE INSERT ON inquiry FROM watari_partition",
        "GRANT INSERT ON inquiry TO watari_partition",
    ],
};

const NO_SETTLE: Damage = Damage {
    sqlite: [
        "CREATE TRIGGER broken BEFORE UPDATE ON inquiry BEGIN SELECT RAISE(ABORT, 'broken'); END",
        "DROP TRIGGER broken",
    ],
    postgres: [
        "REVOKE UPDATE ON inquiry FROM watari_partition",
        "GRANT UPDATE ON inquiry TO watari_partition",
    ],
};

/// A database that an administrator broke is nothing that passes: the asker is told to call.
fn assert_fault(answer: &Result<AskAnswer, CallError>) {
    let Err(CallError::Failed(Some(problem))) = answer else { panic!("{answer:?}") };
    assert_eq!((problem.code.as_str(), problem.owner), ("internal", Owner::Platform));
}

#[test]
fn nothing_is_sent_before_the_beginning_is_on_record() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        stage.room_database().break_by(NO_BEGIN);
        stage.ask_all(&cases).await.iter().for_each(assert_fault);
        assert_eq!(stage.count_entries(&cases).await, 0, "the broker has not heard of it");
        stage.room_database().mend(NO_BEGIN);
        stage.assert_recovers(&cases).await;
    });
}

#[test]
fn nothing_is_shown_before_the_answer_is_kept() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        stage.room_database().break_by(NO_SETTLE);
        stage.ask_all(&cases).await.iter().for_each(assert_fault);
        for case in &cases {
            assert_eq!(
                stage.settled(case).await.len(),
                1,
                "it was provided, and that is on record"
            );
            let refused = stage.clerk.find(case.asked.inquiry).await.unwrap_err();
            assert_eq!(refused.problem().map(|p| p.code.as_str()), Some("not-found"));
        }
        stage.room_database().mend(NO_SETTLE);
        stage.assert_recovers(&cases).await;
    });
}

#[test]
fn while_the_room_is_locked_nothing_is_sent() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        let lock = stage.room_database().lock("operation_log");
        for answer in stage.ask_all(&cases).await {
            // Acts wait in a row, so the terminal's patience may end first.
            if !matches!(answer, Err(CallError::Unavailable)) {
                ROOM.assert(&answer);
            }
        }
        assert_eq!(stage.count_entries(&cases).await, 0);
        drop(lock);
        stage.assert_recovers(&cases).await;
    });
}

/// A clerk who asks while the broker is away is told so, and the same id is good afterwards.
#[test]
fn while_the_broker_is_stopped_nothing_is_released() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        stage.stop(ServiceKind::Broker).await;
        stage.assert_outage(&cases, ROOM).await;
        assert_eq!(stage.count_entries(&cases).await, 0);
        stage.start_again(ServiceKind::Broker).await;
        stage.assert_recovers(&cases).await;
    });
}

/// As after a restart of the database's server; SQLite has none.
#[test]
fn connections_that_died_are_replaced_unseen() {
    on_both(async |stage: &mut Stage| {
        for database in [stage.room_database(), stage.source_database(), stage.log_database()] {
            if database.is_server() {
                database.end_connections();
                tokio::time::sleep(Duration::from_millis(100)).await;
                let cases = stage.cases();
                for (case, answer) in cases.iter().zip(stage.ask_all(&cases).await) {
                    case.check(&answer.unwrap());
                }
            }
        }
    });
}
