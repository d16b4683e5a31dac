//! Many inquiries in one file (一括照会).

use std::collections::BTreeMap;

use crypto::sha256;
use domain::{Confirmation, IndividualNumber, Role};
use uuid::Uuid;
use wire::CallError;
use wire::batch::{self as api, BatchState, RowOutcome, SourceState};

use crate::world::{ADACHI, Desk, KORIYAMA, World, on_both, on_both_with, refusal, until};

fn number(serial: u32) -> String {
    IndividualNumber::for_test(serial).reveal().to_owned()
}

/// A file in which these persons are asked about there.
pub(crate) fn file(rows: &[(u32, &str)]) -> String {
    let rows = rows
        .iter()
        .map(|(serial, source)| format!("{},{source},A{serial},R-{serial}\n", number(*serial)));
    interchange::layout::BATCH_1.header() + "\n" + &rows.collect::<String>()
}

fn announcement(batch: Uuid, text: &str) -> api::CreateBatch {
    api::CreateBatch {
        batch,
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        confirmation: Confirmation::ResidentRegister,
        total_bytes: u64::try_from(text.len()).unwrap(),
        sha256: sha256(text.as_bytes()).to_vec().into(),
    }
}

pub(crate) async fn upload(desk: &Desk, batch: Uuid, text: &str) {
    desk.post::<api::NameBatch>(api::BATCHES, &announcement(batch, text)).await.unwrap();
    // Parts in any order, one of them twice.
    let (head, tail) = text.as_bytes().split_at(text.len() / 2);
    for (part, bytes) in [(1, tail), (0, head), (1, tail)] {
        let part = api::BatchPart { batch, part, bytes: bytes.to_vec().into() };
        desk.post::<api::NameBatch>(api::BATCHES_PARTS, &part).await.unwrap();
    }
}

pub(crate) async fn start(
    desk: &Desk,
    batch: Uuid,
    skip_bad_rows: bool,
) -> Result<api::BatchStatus, CallError> {
    desk.post(api::BATCHES_START, &api::StartBatch { batch, skip_bad_rows }).await
}

/// Uploads and starts a file of which every row can be used.
pub(crate) async fn submit(desk: &Desk, rows: &[(u32, &str)]) -> Uuid {
    let batch = Uuid::new_v4();
    upload(desk, batch, &file(rows)).await;
    assert_eq!(start(desk, batch, false).await.unwrap().state, BatchState::Running);
    batch
}

pub(crate) async fn status(desk: &Desk, batch: Uuid) -> api::BatchStatus {
    desk.post(api::BATCHES_STATUS, &api::NameBatch { batch }).await.unwrap()
}

pub(crate) async fn comes_to(desk: &Desk, batch: Uuid, state: BatchState) {
    let what = format!("{state:?}");
    until(&what, async || status(desk, batch).await.state == state).await;
}

pub(crate) async fn results(desk: &Desk, batch: Uuid) -> Vec<api::RowResult> {
    let (mut rows, mut next) = (Vec::new(), Some(1));
    while let Some(from_row) = next {
        let wanted = api::ReadResults { batch, from_row, limit: 2 };
        let page: api::BatchResults = desk.post(api::BATCHES_RESULTS, &wanted).await.unwrap();
        assert!(page.rows.len() <= 2);
        rows.extend(page.rows);
        next = page.next_row;
    }
    rows
}

async fn result_file(desk: &Desk, batch: Uuid) -> String {
    let wanted = api::ReadResults { batch, from_row: 1, limit: 1_000 };
    desk.post::<api::BatchFile>(api::BATCHES_FILE, &wanted).await.unwrap().text
}

/// How often the log says that each inquiry was settled.
pub(crate) fn settled(world: &World) -> BTreeMap<Uuid, usize> {
    let mut settled = BTreeMap::new();
    world.log.read(|kept| {
        for body in &kept.bodies {
            let body: wire::provision_log::LeafBody = serde_json::from_str(body).unwrap();
            if let wire::provision_log::Act::Outcome(entry) = body.act
                && entry.outcome.settles()
            {
                *settled.entry(entry.inquiry.0).or_default() += 1;
            }
        }
    });
    settled
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_a_file_ends_as_an_inquiry_of_its_own_would() {
    on_both(async |world| {
        world.mover(1).await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        desk.register(3).await;
        let mut text = file(&[(1, ADACHI), (3, ADACHI), (4, ADACHI), (1_000, KORIYAMA)]);
        text.push_str(&format!("{}0,{ADACHI},A9,R-9\n", &number(5)[..11]));
        desk.register(1_000).await;
        let batch = Uuid::new_v4();
        upload(&desk, batch, &text).await;
        // A row that can't be used: the submitter is asked first.
        let checked = start(&desk, batch, false).await.unwrap();
        assert_eq!((checked.state, checked.counts.bad_rows), (BatchState::Checked, 1));
        until("rows are shown before", async || results(&desk, batch).await.len() == 5).await;
        assert!(settled(&world).is_empty());
        start(&desk, batch, true).await.unwrap();
        comes_to(&desk, batch, BatchState::Done).await;
        let rows = results(&desk, batch).await;
        let told: Vec<_> =
            rows.iter().map(|row| (row.row, row.outcome, row.reason.as_deref())).collect();
        assert_eq!(
            told,
            [
                (1, RowOutcome::Provided, None),
                (2, RowOutcome::Nothing, None),
                (3, RowOutcome::NotInRegister, Some("not-in-register")),
                (4, RowOutcome::Refused, Some("asking-itself")),
                (5, RowOutcome::BadRow, Some("individual-number-check")),
            ]
        );
        assert_eq!((rows[0].vaccinations.len(), rows[0].reference.as_deref()), (1, Some("R-1")));
        let counts = status(&desk, batch).await.counts;
        assert_eq!((counts.rows, counts.provided, counts.nothing, counts.pending), (5, 1, 1, 0));
        let csv = result_file(&desk, batch).await;
        assert!(csv.contains("1,A1,R-1,131211,provided,,,1,2024-05-06,A社,L-1,,,\r\n"), "{csv}");
        assert!(csv.contains("5,,,,badRow,individual-number-check,個人番号,"), "{csv}");
        for serial in [1, 3, 4, 1_000] {
            assert!(!csv.contains(&number(serial)), "{csv}");
        }
        // One line a row as for any inquiry, and what was uploaded is gone.
        let lines = world.acts(KORIYAMA, "AskBatch").await;
        for said in ["batch announced", "part kept", "batch checked", "batch started", "provided"] {
            assert!(lines.iter().any(|line| line == said), "{said}: {lines:?}");
        }
        assert_eq!(world.count("batch_part").await, 0);
        assert!(settled(&world).values().all(|times| *times == 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_one_file_and_its_own_municipalitys() {
    on_both(async |world| {
        world.mover(1).await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let batch = submit(&desk, &[(1, ADACHI)]).await;
        comes_to(&desk, batch, BatchState::Done).await;
        // The same again is the same; another file under its id is refused.
        let text = file(&[(1, ADACHI)]);
        desk.post::<api::NameBatch>(api::BATCHES, &announcement(batch, &text)).await.unwrap();
        assert_eq!(start(&desk, batch, false).await.unwrap().state, BatchState::Done);
        let other = announcement(batch, &file(&[(2, ADACHI)]));
        let refused = refusal(desk.post::<api::NameBatch>(api::BATCHES, &other).await);
        assert_eq!(refused, (422, "batch-reused".to_owned()));
        assert_eq!(settled(&world).len(), 1);
        // Nobody else's, by whatever call.
        let stranger = world.desk(ADACHI, Role::Supervisor);
        let named = api::NameBatch { batch };
        let page = api::ReadResults { batch, from_row: 1, limit: 10 };
        let not_found = (404, "not-found".to_owned());
        for answer in [
            refusal(stranger.post::<serde_json::Value>(api::BATCHES_STATUS, &named).await),
            refusal(stranger.post::<serde_json::Value>(api::BATCHES_CANCEL, &named).await),
            refusal(stranger.post::<serde_json::Value>(api::BATCHES_RESULTS, &page).await),
            refusal(stranger.post::<serde_json::Value>(api::BATCHES_FILE, &page).await),
            refusal(start(&stranger, batch, true).await),
        ] {
            assert_eq!(answer, not_found);
        }
        let colleague = world.desk_of(KORIYAMA, Role::Clerk, "person-2");
        assert_eq!(refusal(start(&colleague, batch, true).await).1, "not-submitter");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_did_not_arrive_whole_is_not_asked_for() {
    on_both(async |world| {
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let text = file(&[(1, ADACHI)]);
        let batch = Uuid::new_v4();
        desk.post::<api::NameBatch>(api::BATCHES, &announcement(batch, &text)).await.unwrap();
        let half = text.as_bytes()[..20].to_vec();
        let part = |part, bytes: Vec<u8>| api::BatchPart { batch, part, bytes: bytes.into() };
        desk.post::<api::NameBatch>(api::BATCHES_PARTS, &part(0, half)).await.unwrap();
        assert_eq!(refusal(start(&desk, batch, true).await), (409, "batch-incomplete".to_owned()));
        let wrong = vec![b'x'; text.len() - 20];
        desk.post::<api::NameBatch>(api::BATCHES_PARTS, &part(1, wrong)).await.unwrap();
        assert_eq!(refusal(start(&desk, batch, true).await), (422, "batch-altered".to_owned()));
        let more = desk.post::<api::NameBatch>(api::BATCHES_PARTS, &part(2, vec![1])).await;
        assert_eq!(refusal(more), (422, "batch-altered".to_owned()));
        let unread = Uuid::new_v4();
        upload(&desk, unread, "a,b\n1,2\n").await;
        assert_eq!(refusal(start(&desk, unread, true).await).1, "batch-unreadable");
        assert_eq!(world.count("batch_row").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_source_does_not_stop_the_others_and_is_asked_again_by_itself() {
    on_both(async |world| {
        world.mover(1).await;
        let adachi = world.desk(ADACHI, Role::Clerk);
        adachi.register(3).await;
        world.broker.answers(ADACHI, false);
        let koriyama = world.desk(KORIYAMA, Role::Clerk);
        let waits = submit(&koriyama, &[(1, ADACHI), (2, ADACHI)]).await;
        let goes_on = submit(&adachi, &[(3, KORIYAMA)]).await;
        comes_to(&adachi, goes_on, BatchState::Done).await;
        until("it is seen that the source is silent", async || {
            let found = status(&koriyama, waits).await;
            let source = found.sources.first().unwrap();
            source.state == SourceState::Unavailable && source.unavailable_since_unix_ms.is_some()
        })
        .await;
        let rows = results(&koriyama, waits).await;
        assert!(rows.iter().any(|row| row.outcome == RowOutcome::Unavailable), "{rows:?}");
        world.broker.answers(ADACHI, true);
        comes_to(&koriyama, waits, BatchState::Done).await;
        let rows = results(&koriyama, waits).await;
        assert_eq!(rows[0].outcome, RowOutcome::Provided);
        assert_eq!(rows[1].outcome, RowOutcome::NotInRegister);
        assert!(settled(&world).values().all(|times| *times == 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_batch_does_not_wait_for_a_large_one() {
    on_both_with("batch = { rows_max = 1 }", async |world| {
        let (koriyama, adachi) =
            (world.desk(KORIYAMA, Role::Clerk), world.desk(ADACHI, Role::Clerk));
        for serial in 1..=30 {
            koriyama.register(serial).await;
        }
        for serial in 31..=33 {
            adachi.register(serial).await;
        }
        world.broker.close();
        let many: Vec<_> = (1..=30).map(|serial| (serial, ADACHI)).collect();
        let large = submit(&koriyama, &many).await;
        let few: Vec<_> = (31..=33).map(|serial| (serial, KORIYAMA)).collect();
        let small = submit(&adachi, &few).await;
        until("both are staged", async || world.count("batch_row").await == 33).await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        world.broker.open();
        comes_to(&adachi, small, BatchState::Done).await;
        comes_to(&koriyama, large, BatchState::Done).await;
        let askers = world.broker.batch_askers();
        assert_eq!(askers.len(), 33);
        // The first was on its way before the second batch came.
        let early = askers.iter().take(8).filter(|who| *who == ADACHI).count();
        assert_eq!(early, 3, "{askers:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_on_where_it_was_when_the_partition_stopped() {
    on_both(async |mut world| {
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let serials = 1..=12;
        for serial in serials.clone() {
            desk.register(serial).await;
        }
        let rows: Vec<_> = serials.map(|serial| (serial, ADACHI)).collect();
        world.broker.close();
        let batch = submit(&desk, &rows).await;
        until("some are asked", async || !world.broker.batch_askers().is_empty()).await;
        let before: Vec<_> = results(&desk, batch).await.iter().map(|row| row.inquiry).collect();
        world.stop().await;
        world.broker.open();
        world.start().await;
        let desk = world.desk(KORIYAMA, Role::Clerk);
        comes_to(&desk, batch, BatchState::Done).await;
        let after = results(&desk, batch).await;
        assert_eq!(after.iter().map(|row| row.inquiry).collect::<Vec<_>>(), before);
        assert!(after.iter().all(|row| row.outcome == RowOutcome::Nothing));
        let settled = settled(&world);
        assert_eq!(settled.len(), 12);
        assert!(settled.values().all(|times| *times == 1), "{settled:?}");
    })
    .await;
}
