//! The asker's partition is killed again and again while it takes in files and works through them,
//! and one of the sources is away: every row is answered once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crypto::sha256;
use domain::{Confirmation, IndividualNumber, ServiceKind};
use uuid::Uuid;
use watari::story::residents::Resident;
use wire::CallError;
use wire::batch::{
    self as api, BatchPart, BatchResults, BatchState, BatchStatus, CreateBatch, NameBatch,
    ReadResults, RowOutcome, RowResult, StartBatch,
};

use super::history;
use super::process::Process;
use super::stage::Stage;
use crate::support::{Engine, RUNTIME};

const ROWS: u32 = 60;
/// Each file is taken in, checked, taken apart and asked for while the kills go on.
const FILES: u32 = 4;
const KILLS_PER_FILE: u32 = 5;
const DONE_WAIT_MAX: Duration = Duration::from_secs(120);

#[test]
fn on_sqlite_a_batch_killed_twenty_times_asks_every_row_once() {
    RUNTIME.block_on(survive(Engine::Sqlite));
}

#[test]
fn on_postgresql_a_batch_killed_twenty_times_asks_every_row_once() {
    RUNTIME.block_on(survive(Engine::Postgres));
}

async fn survive(engine: Engine) {
    let mut stage = Stage::start(engine).await;
    let first = 700_000;
    for serial in first..first + ROWS {
        let resident = Resident { serial, doses: Vec::new() };
        stage.clerk.register_subject(&resident.to_request()).await.unwrap();
    }
    let mut asker = Process::replace(&mut stage, ServiceKind::Partition).await;
    // Half of the rows go to a source that is away.
    stage.second.stop().await;
    let (here, away) = (stage.world.cast.adachi.code, stage.second.town.code);
    // The first two are known there.
    let rows = [(1, away), (2, away)].into_iter().chain(
        (first..first + ROWS).map(|serial| (serial, if serial % 2 == 0 { here } else { away })),
    );
    let mut text = interchange::layout::BATCH_1.header() + "\n";
    for (serial, source) in rows {
        let number = IndividualNumber::for_test(serial);
        text.push_str(&format!("{},{source},,{serial}\n", number.reveal()));
    }
    let mut batches = Vec::new();
    for nth in 0..FILES {
        let batch = Uuid::new_v4();
        tokio::join!(submit(&stage, batch, &text), kill_again_and_again(&mut asker, batch));
        batches.push(batch);
        if nth == FILES / 2 {
            stage.second.start_again().await;
        }
    }
    for batch in batches {
        let status = done(&stage, batch).await;
        assert_eq!((status.counts.pending, status.counts.provided), (0, 2), "{status:?}");
        assert_eq!(status.counts.nothing, u64::from(ROWS), "{status:?}");
        let rows = results(&stage, batch).await;
        assert_once(&stage, &rows).await;
        // Asked for again, it is the same batch.
        let again = StartBatch { batch, skip_bad_rows: true };
        let again: BatchStatus = stage.clerk.room(api::BATCHES_START, &again).await.unwrap();
        assert_eq!(again.state, BatchState::Done);
        assert_once(&stage, &rows).await;
    }
    history::assert_whole(&stage).await;
}

/// At points of time that differ from run to run, and from each other.
async fn kill_again_and_again(asker: &mut Process, batch: Uuid) {
    for (_, odd_ms) in (0..KILLS_PER_FILE).zip(batch.as_bytes()) {
        tokio::time::sleep(Duration::from_millis(30 + u64::from(*odd_ms))).await;
        asker.kill();
        asker.start_again().await;
    }
}

/// Each row's inquiry is settled once in the log, as the row says.
async fn assert_once(stage: &Stage, rows: &[RowResult]) {
    let mut settled: BTreeMap<Uuid, Vec<&'static str>> = BTreeMap::new();
    for one in history::entries(stage).await {
        if one.entry.outcome.settles() {
            settled.entry(one.entry.inquiry.0).or_default().push(one.entry.outcome.as_str());
        }
    }
    for row in rows {
        let want = if row.outcome == RowOutcome::Provided { "provided" } else { "nothing" };
        assert_eq!(settled.get(&row.inquiry.unwrap()).map(Vec::as_slice), Some(&[want][..]));
    }
}

async fn submit(stage: &Stage, batch: Uuid, text: &str) {
    let announcement = CreateBatch {
        batch,
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        confirmation: Confirmation::ResidentRegister,
        total_bytes: u64::try_from(text.len()).unwrap(),
        sha256: sha256(text.as_bytes()).to_vec().into(),
    };
    let clerk = &stage.clerk;
    patiently(async || clerk.room::<NameBatch>(api::BATCHES, &announcement).await).await;
    let part = BatchPart { batch, part: 0, bytes: text.as_bytes().to_vec().into() };
    patiently(async || clerk.room::<NameBatch>(api::BATCHES_PARTS, &part).await).await;
    let start = StartBatch { batch, skip_bad_rows: false };
    patiently(async || clerk.room::<BatchStatus>(api::BATCHES_START, &start).await).await;
}

async fn done(stage: &Stage, batch: Uuid) -> BatchStatus {
    let begun = Instant::now();
    loop {
        let named = NameBatch { batch };
        let status: BatchStatus =
            patiently(async || stage.clerk.room(api::BATCHES_STATUS, &named).await).await;
        if status.state == BatchState::Done {
            return status;
        }
        assert!(begun.elapsed() < DONE_WAIT_MAX, "{status:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn results(stage: &Stage, batch: Uuid) -> Vec<RowResult> {
    let page = ReadResults { batch, from_row: 1, limit: api::PAGE_ROWS_MAX };
    let results: BatchResults = stage.clerk.room(api::BATCHES_RESULTS, &page).await.unwrap();
    assert_eq!(results.next_row, None);
    results.rows
}

/// A partition that was started a moment ago does not know yet who may ask.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, CallError>) -> T {
    let begun = Instant::now();
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => assert!(begun.elapsed() < DONE_WAIT_MAX, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
