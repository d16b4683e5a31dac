//! The provision log cannot be written: nothing is released.

use std::time::Duration;

use domain::ServiceKind;

use super::database::Damage;
use super::stage::{LOG, Stage, on_both};

const NO_INSERT: Damage = Damage {
    sqlite: [
        "CREATE TRIGGER broken BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'broken'); END",
        "DROP TRIGGER broken",
    ],
    postgres: [
        "REVOKE INSERT ON entry FROM watari_provision_log",
        "GRANT INSERT ON entry TO watari_provision_log",
    ],
};

/// The entry itself could be written: without its checkpoint it could not be proven.
const NO_CHECKPOINT: Damage = Damage {
    sqlite: [
        "CREATE TRIGGER broken BEFORE INSERT ON checkpoint \
         BEGIN SELECT RAISE(ABORT, 'broken'); END",
        "DROP TRIGGER broken",
    ],
    postgres: [
        "REVOKE INSERT ON checkpoint FROM watari_provision_log",
        "GRANT INSERT ON checkpoint TO watari_provision_log",
    ],
};

#[test]
fn while_the_provision_log_is_stopped_nothing_is_released() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        stage.stop(ServiceKind::ProvisionLog).await;
        stage.assert_outage(&cases, LOG).await;
        stage.assert_outage(&cases, LOG).await;
        stage.start_again(ServiceKind::ProvisionLog).await;
        assert_eq!(stage.count_entries(&cases).await, 0);
        stage.assert_recovers(&cases).await;
    });
}

#[test]
fn without_the_right_to_insert_nothing_is_released() {
    on_both(async |stage: &mut Stage| {
        for damage in [NO_INSERT, NO_CHECKPOINT] {
            let cases = stage.cases();
            stage.log_database().break_by(damage);
            stage.assert_outage(&cases, LOG).await;
            assert_eq!(stage.count_entries(&cases).await, 0);
            stage.log_database().mend(damage);
            stage.assert_recovers(&cases).await;
        }
    });
}

#[test]
fn while_the_logs_table_is_locked_nothing_is_released() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        let lock = stage.log_database().lock("entry");
        stage.assert_outage(&cases, LOG).await;
        assert_eq!(stage.count_entries(&cases).await, 0);
        drop(lock);
        // What the log had waiting it may write now: the retry finds it, or is the first.
        stage.assert_recovers(&cases).await;
    });
}

/// A lock that is gone before anybody gave up is no outage at all.
#[test]
fn a_short_lock_only_takes_its_time() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        let lock = stage.log_database().lock("entry");
        let release = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            drop(lock);
        };
        let (answers, ()) = tokio::join!(stage.ask_all(&cases), release);
        for (case, answer) in cases.iter().zip(answers) {
            case.check(&answer.unwrap());
        }
        stage.assert_recovers(&cases).await;
    });
}
