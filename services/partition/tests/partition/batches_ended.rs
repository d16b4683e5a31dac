//! How batches stop, end and are deleted.

use domain::Role;
use service::problems::{self, inquiry};
use uuid::Uuid;
use wire::batch::{self as api, BatchState, RowOutcome};
use wire::partition::{OPERATORS_RELEASE, ReleaseOperator};

use crate::batches::{comes_to, file, results, settled, start, status, submit, upload};
use crate::world::{ADACHI, KORIYAMA, on_both, on_both_with, refusal, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_batch_asks_no_more() {
    on_both(async |world| {
        let desk = world.desk(KORIYAMA, Role::Clerk);
        desk.register(1).await;
        world.broker.answers(ADACHI, false);
        let batch = submit(&desk, &[(1, ADACHI)]).await;
        until("it was tried", async || !world.broker.batch_askers().is_empty()).await;
        let named = api::NameBatch { batch };
        desk.post::<api::NameBatch>(api::BATCHES_CANCEL, &named).await.unwrap();
        world.broker.answers(ADACHI, true);
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        assert!(settled(&world).is_empty());
        assert_eq!(results(&desk, batch).await[0].outcome, RowOutcome::Cancelled);
        assert_eq!(refusal(start(&desk, batch, true).await), (409, "batch-closed".to_owned()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_deleted_after_their_time_and_the_log_says_so() {
    on_both_with("limits = { expire_every_s = 1 }", async |world| {
        world.mover(1).await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let batch = submit(&desk, &[(1, ADACHI)]).await;
        comes_to(&desk, batch, BatchState::Done).await;
        world.pass(24 * 60 * 60 + 1).await;
        until("rows are deleted", async || world.count("batch_row").await == 0).await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        comes_to(&desk, batch, BatchState::Expired).await;
        let page = api::ReadResults { batch, from_row: 1, limit: 10 };
        let gone = desk.post::<api::BatchResults>(api::BATCHES_RESULTS, &page).await;
        assert_eq!(refusal(gone), (410, "batch-expired".to_owned()));
        let jobs = world.acts(KORIYAMA, "RunJobs").await;
        assert!(jobs.contains(&"batch deleted: 1 rows, 0 parts".to_owned()), "{jobs:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_is_held_asks_by_no_batch_either() {
    on_both(async |world| {
        world.mover(1).await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let hold = "INSERT INTO operator_hold (municipality, operator, at_unix_ms, held, rule) \
                    VALUES ('072036', 'person-1', 1, TRUE, 'burst')";
        world.execute([hold, hold]).await;
        let batch = Uuid::new_v4();
        upload(&desk, batch, &file(&[(1, ADACHI)])).await;
        start(&desk, batch, false).await.unwrap();
        comes_to(&desk, batch, BatchState::Stopped).await;
        let stopped = status(&desk, batch).await;
        assert_eq!(stopped.stopped_because.as_deref(), Some("operator-held"));
        assert!(settled(&world).is_empty());
        let supervisor = world.desk_of(KORIYAMA, Role::Supervisor, "person-2");
        let release = ReleaseOperator { operator: "person-1".to_owned() };
        supervisor.post::<ReleaseOperator>(OPERATORS_RELEASE, &release).await.unwrap();
        start(&desk, batch, false).await.unwrap();
        comes_to(&desk, batch, BatchState::Done).await;
        assert_eq!(results(&desk, batch).await[0].outcome, RowOutcome::Provided);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_operators_batch_stops_in_the_middle_and_asks_no_more() {
    on_both_with("batch = { rows_max = 1 }", async |world| {
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let serials = 1..=6;
        for serial in serials.clone() {
            desk.register(serial).await;
        }
        world.broker.close();
        let rows: Vec<_> = serials.map(|serial| (serial, ADACHI)).collect();
        let batch = submit(&desk, &rows).await;
        until("a row is asked", async || world.broker.batch_askers().len() == 1).await;
        world.registry.suspend("person-1");
        // The partition has heard of it when it lets that person in no more.
        let named = api::NameBatch { batch };
        until("the operator is not let in", async || {
            desk.post::<api::BatchStatus>(api::BATCHES_STATUS, &named).await.is_err()
        })
        .await;
        world.broker.open();
        let supervisor = world.desk_of(KORIYAMA, Role::Supervisor, "person-2");
        comes_to(&supervisor, batch, BatchState::Stopped).await;
        let stopped = status(&supervisor, batch).await;
        assert_eq!(stopped.stopped_because.as_deref(), Some("operator-suspended"));
        // Only the row that was on its way was answered, and nobody goes on in that name.
        assert_eq!(world.broker.batch_askers().len(), 1);
        assert_eq!(settled(&world).len(), 1);
        assert_eq!(refusal(start(&supervisor, batch, true).await).1, "not-submitter");
        let lines = world.lines(KORIYAMA).await;
        let said = "batch stopped: operator-suspended";
        assert!(lines.iter().any(|line| line.act == "RunJobs" && line.result == said), "{lines:?}");
        let counts = stopped.counts;
        assert_eq!((counts.nothing, counts.pending), (1, 5));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_time_is_over_is_not_started_any_more() {
    on_both_with("limits = { expire_every_s = 3600 }", async |world| {
        world.mover(1).await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let stopped = submit(&desk, &[(1, ADACHI)]).await;
        comes_to(&desk, stopped, BatchState::Done).await;
        let left = "UPDATE batch SET state = 'stopped', stopped_because = 'operator-held'";
        world.execute([left, left]).await;
        let uploaded = Uuid::new_v4();
        upload(&desk, uploaded, &file(&[(1, ADACHI)])).await;
        world.pass(24 * 60 * 60 + 1).await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        for batch in [stopped, uploaded] {
            assert_eq!(refusal(start(&desk, batch, true).await), (410, "batch-expired".to_owned()));
        }
        assert_eq!(status(&desk, stopped).await.state, BatchState::Stopped);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_row_is_the_cause_of_uses_up_no_row() {
    on_both(async |world| {
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let serials = 1..=8;
        for serial in serials.clone() {
            desk.register(serial).await;
        }
        let rows: Vec<_> = serials.map(|serial| (serial, ADACHI)).collect();
        // The partition's certificate counts no more: it waits until another one does.
        world.broker.refuse(Some(&problems::UNAUTHENTICATED));
        let waits = submit(&desk, &rows).await;
        until("rows are tried", async || world.broker.batch_askers().len() > 8).await;
        assert_eq!(status(&desk, waits).await.counts.pending, 8);
        world.broker.refuse(None);
        comes_to(&desk, waits, BatchState::Done).await;
        assert_eq!(status(&desk, waits).await.counts.nothing, 8);
        // Its clock is wrong, or nobody knows its key yet: people must see to that.
        for kind in [&inquiry::OUT_OF_TIME, &inquiry::NOT_AUTHENTIC] {
            world.broker.refuse(Some(kind));
            let stops = submit(&desk, &rows).await;
            comes_to(&desk, stops, BatchState::Stopped).await;
            let stopped = status(&desk, stops).await;
            assert_eq!(stopped.stopped_because.as_deref(), Some(kind.code));
            assert_eq!(stopped.counts.pending, 8);
            world.broker.refuse(None);
            start(&desk, stops, false).await.unwrap();
            comes_to(&desk, stops, BatchState::Done).await;
            assert_eq!(status(&desk, stops).await.counts.nothing, 8);
        }
        assert!(settled(&world).values().all(|times| *times == 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_ends_no_row() {
    on_both(async |world| {
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let serials = 1..=12;
        for serial in serials.clone() {
            desk.register(serial).await;
        }
        world.broker.refuse(Some(&problems::INTERNAL));
        let rows: Vec<_> = serials.map(|serial| (serial, ADACHI)).collect();
        let batch = submit(&desk, &rows).await;
        // The first rows were under way together; then one at a time, later each time.
        until("it was tried again", async || world.broker.batch_askers().len() > 5).await;
        assert_eq!(status(&desk, batch).await.counts.refused, 0);
        world.broker.refuse(None);
        comes_to(&desk, batch, BatchState::Done).await;
        assert_eq!(status(&desk, batch).await.counts.nothing, 12);
    })
    .await;
}
