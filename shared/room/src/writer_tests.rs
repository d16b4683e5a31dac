//! The room's writer on both engines: groups, spoiled acts, a log that survives a restart.

use db::RoomKey;
use db::test_support::TestDb;
use domain::{
    Action, Actor, MunicipalityCode, OpContext, OperatorId, Permit, RequestId, Role, TerminalId,
    authorize,
};
use service::{ApiError, problems};
use time::OffsetDateTime;
use wire::partition::ListPage;

use crate::operation_log::{About, entry};
use crate::writer::{Queue, Writer};
use crate::{MIGRATIONS, ROLE, store};

fn adachi() -> MunicipalityCode {
    MunicipalityCode::parse("131211").unwrap()
}

fn permit() -> Permit {
    let actor = Actor::Operator {
        id: OperatorId::parse("supervisor").unwrap(),
        municipality: adachi(),
        role: Role::Supervisor,
        terminal: TerminalId::parse("terminal").unwrap(),
    };
    let context = OpContext::new(actor, RequestId::make_random(), OffsetDateTime::UNIX_EPOCH);
    authorize(&context, Action::ReadOperationLog, adachi()).unwrap()
}

fn open(test: &TestDb) -> Queue {
    let room = RoomKey::parse(adachi().as_str()).unwrap();
    let (queue, writer) = Writer::new(test.db.clone(), room, (1_024, 64));
    tokio::spawn(writer.run());
    queue
}

async fn act(queue: &Queue, result: &'static str) -> Result<(), ApiError> {
    let permit = permit();
    let write = move |_: &mut db::Tx, acts: &mut crate::writer::Acts| {
        acts.add(entry(&permit, About::default(), result));
        if result == "spoiled" { Err(ApiError::new(&problems::CONFLICT)) } else { Ok(()) }
    };
    queue.write(write).await
}

async fn results(queue: &Queue) -> Vec<String> {
    let permit = permit();
    let page = ListPage { from: 0, limit: 1_000 };
    let list = queue.write(move |tx, _| store::operation::list(tx, &permit, &page)).await.unwrap();
    let sequences: Vec<u64> = list.iter().map(|line| line.sequence).collect();
    assert!(sequences.iter().copied().eq((0..).take(sequences.len())), "a gap in the log");
    list.into_iter().map(|line| line.entry.result).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn six_hundred_acts_at_once_leave_a_log_without_gaps_that_a_restart_proves() {
    for test in TestDb::each(&MIGRATIONS, ROLE).await {
        let queue = open(&test);
        let acts: Vec<_> = (0..600)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { act(&queue, "done").await })
            })
            .collect();
        for act in acts {
            act.await.unwrap().unwrap();
        }
        drop(queue);
        let again = open(&test);
        act(&again, "after the restart").await.unwrap();
        let results = results(&again).await;
        assert_eq!(results.len(), 601);
        assert_eq!(results.last().unwrap(), "after the restart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_fails_takes_no_other_act_along() {
    for test in TestDb::each(&MIGRATIONS, ROLE).await {
        let queue = open(&test);
        let acts: Vec<_> = ["done", "spoiled", "done", "spoiled", "done"]
            .into_iter()
            .map(|result| {
                let queue = queue.clone();
                tokio::spawn(async move { act(&queue, result).await.is_ok() })
            })
            .collect();
        let mut outcomes = Vec::new();
        for act in acts {
            outcomes.push(act.await.unwrap());
        }
        assert_eq!(outcomes, [true, false, true, false, true]);
        assert_eq!(results(&queue).await, ["done", "done", "done"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_room_do_not_fork_its_log() {
    for test in TestDb::each(&MIGRATIONS, ROLE).await {
        let (one, two) = (open(&test), open(&test));
        for _ in 0..20 {
            for queue in [&one, &two] {
                act(queue, "done").await.unwrap();
            }
        }
        assert_eq!(results(&open(&test)).await.len(), 40);
    }
}

/// What is staged leaves no line, and must not be written by a process that has missed something.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_without_a_line_is_done_again_after_another_process_has_written() {
    for test in TestDb::each(&MIGRATIONS, ROLE).await {
        let (one, two) = (open(&test), open(&test));
        act(&one, "done").await.unwrap();
        act(&two, "done").await.unwrap();
        let staged = async |queue: &Queue| {
            let times = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let counted = std::sync::Arc::clone(&times);
            let count = std::sync::atomic::Ordering::Relaxed;
            let work = move |_: &mut db::Tx, _: &mut crate::writer::Acts| {
                counted.fetch_add(1, count);
                Ok(())
            };
            queue.write(work).await.unwrap();
            times.load(count)
        };
        assert_eq!(staged(&one).await, 2, "the other one has written");
        assert_eq!((staged(&one).await, staged(&two).await), (1, 1), "nobody has");
    }
}
