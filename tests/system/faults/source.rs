//! The source is down: "unavailable", never "nothing".

use std::time::Duration;

use domain::{Outcome, Reason, ServiceKind};

use super::database::Damage;
use super::stage::{SOURCE, Stage, on_both};

/// The room's operation log: no act without its line, so no answer either.
const NO_ACTS: Damage = Damage {
    sqlite: [
        "CREATE TRIGGER broken BEFORE INSERT ON operation_log \
         BEGIN SELECT RAISE(ABORT, 'broken'); END",
        "DROP TRIGGER broken",
    ],
    postgres: [
        "REVOKE INSERT ON operation_log FROM watari_partition",
        "GRANT INSERT ON operation_log TO watari_partition",
    ],
};

/// Whoever looks for the person finds no table: "we do not know", not "nobody".
const NO_REGISTER: Damage = Damage {
    sqlite: [
        "ALTER TABLE subject_number RENAME TO subject_number_lost",
        "ALTER TABLE subject_number_lost RENAME TO subject_number",
    ],
    postgres: [
        "REVOKE SELECT ON subject_number FROM watari_partition",
        "GRANT SELECT ON subject_number TO watari_partition",
    ],
};

#[test]
fn a_source_that_is_down_is_unavailable_and_never_nothing() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        stage.second.stop().await;
        stage.assert_outage(&cases, SOURCE).await;
        for case in &cases {
            assert!(stage.settled(case).await.is_empty(), "a failure does not settle an inquiry");
        }
        let entries = super::history::entries(stage).await;
        let failed = entries.iter().filter(|one| {
            let entry = &one.entry;
            cases.iter().any(|case| case.asked.inquiry == entry.inquiry)
                && entry.outcome == Outcome::Failed
                && entry.reason == Some(Reason::SourceUnavailable)
                && entry.commitment.is_none()
        });
        assert_eq!(failed.count(), cases.len(), "each attempt is on record");
        stage.second.start_again().await;
        stage.assert_recovers(&cases).await;
    });
}

#[test]
fn a_source_whose_database_fails_is_unavailable_and_never_nothing() {
    on_both(async |stage: &mut Stage| {
        for damage in [NO_ACTS, NO_REGISTER] {
            let cases = stage.cases();
            stage.source_database().break_by(damage);
            stage.assert_outage(&cases, SOURCE).await;
            stage.source_database().mend(damage);
            stage.assert_recovers(&cases).await;
        }
    });
}

#[test]
fn a_source_whose_database_is_locked_is_unavailable_and_never_nothing() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        let lock = stage.source_database().lock("operation_log");
        stage.assert_outage(&cases, SOURCE).await;
        drop(lock);
        stage.assert_recovers(&cases).await;
    });
}

#[test]
fn source_and_log_may_fail_together() {
    on_both(async |stage: &mut Stage| {
        let cases = stage.cases();
        stage.second.stop().await;
        stage.stop(ServiceKind::ProvisionLog).await;
        // The failure itself cannot be put on record, so it is the platform's.
        stage.assert_outage(&cases, super::stage::LOG).await;
        stage.start_again(ServiceKind::ProvisionLog).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        stage.assert_outage(&cases, SOURCE).await;
        stage.second.start_again().await;
        stage.assert_recovers(&cases).await;
    });
}
