//! A file of inquiries in the whole system, under the limits that everybody has.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crypto::sha256;
use domain::{Confirmation, IndividualNumber};
use uuid::Uuid;
use watari::story::desk::Desk;
use watari::story::residents::Resident;
use wire::batch::{
    self as api, BatchFile, BatchPart, BatchState, BatchStatus, CreateBatch, NameBatch,
    ReadResults, StartBatch,
};
use wire::partition::{
    INSPECTIONS, IndexedOperation, InspectOperations, Inspection, ListPage, OPERATION_LOG_LIST,
    OperationLog, SignedInspection,
};

use crate::support::{World, dose, fresh_number, on_both, question};

/// More than an operator may find nothing in an hour, and more than a burst.
const UNKNOWN: usize = 60;

async fn submit(desk: &Desk, text: &str) -> Uuid {
    let batch = Uuid::new_v4();
    let announcement = CreateBatch {
        batch,
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        confirmation: Confirmation::ResidentRegister,
        total_bytes: u64::try_from(text.len()).unwrap(),
        sha256: sha256(text.as_bytes()).to_vec().into(),
    };
    desk.room::<NameBatch>(api::BATCHES, &announcement).await.unwrap();
    let part = BatchPart { batch, part: 0, bytes: text.as_bytes().to_vec().into() };
    desk.room::<NameBatch>(api::BATCHES_PARTS, &part).await.unwrap();
    let start = StartBatch { batch, skip_bad_rows: false };
    desk.room::<BatchStatus>(api::BATCHES_START, &start).await.unwrap();
    batch
}

async fn done(desk: &Desk, batch: Uuid) -> BatchStatus {
    let begun = Instant::now();
    loop {
        let named = NameBatch { batch };
        let status: BatchStatus = desk.room(api::BATCHES_STATUS, &named).await.unwrap();
        if status.state == BatchState::Done {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{status:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn a_lawful_batch_is_stopped_by_no_limit_and_noticed_by_no_rule() {
    on_both(async |world: &World| {
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let supervisor = world.desk(&world.cast.koriyama.supervisor).await;
        let adachi = world.cast.adachi.code;
        let known = fresh_number();
        world.live_in_adachi(known, &[dose(1)]).await;
        let mut serials = vec![known];
        serials.extend((0..UNKNOWN).map(|_| fresh_number()));
        let mut text = interchange::layout::BATCH_1.header() + "\n";
        for serial in &serials {
            let resident = Resident { serial: *serial, doses: Vec::new() };
            clerk.register_subject(&resident.to_request()).await.unwrap();
            let number = IndividualNumber::for_test(*serial);
            text.push_str(&format!("{},{adachi},,\n", number.reveal()));
        }
        inspect(&supervisor).await;
        let batch = submit(&clerk, &text).await;
        let counts = done(&clerk, batch).await.counts;
        assert_eq!((counts.provided, counts.nothing), (1, u64::try_from(UNKNOWN).unwrap()));
        // The clerk asks on at the desk.
        let asked = clerk.ask(&question(known, adachi)).await.unwrap();
        assert_eq!(asked.vaccinations.len(), 1);
        let found = inspect(&supervisor).await;
        let lines = lines(&supervisor, found.from_sequence).await;
        let rows: BTreeSet<u64> = lines
            .iter()
            .filter(|line| line.entry.act == "AskBatch")
            .map(|line| line.sequence)
            .collect();
        assert!(rows.len() > UNKNOWN);
        // Other tests ask at the same time, so only what is said of the batch counts.
        for finding in &found.findings {
            assert!(!finding.sequences.iter().any(|one| rows.contains(one)), "{finding:?}");
        }
        // Neither the result nor the room's log says any number.
        let page = ReadResults { batch, from_row: 1, limit: api::PAGE_ROWS_MAX };
        let file: BatchFile = clerk.room(api::BATCHES_FILE, &page).await.unwrap();
        assert_eq!(file.text.lines().count(), 1 + serials.len());
        let log = serde_json::to_string(&lines).unwrap();
        assert!(log.contains("batch done"), "{log}");
        for serial in &serials {
            let number = IndividualNumber::for_test(*serial);
            assert!(!file.text.contains(number.reveal()));
            assert!(!log.contains(number.reveal()));
        }
    });
}

async fn inspect(supervisor: &Desk) -> Inspection {
    let signed: SignedInspection =
        supervisor.room(INSPECTIONS, &InspectOperations {}).await.unwrap();
    serde_json::from_str(&signed.inspection).unwrap()
}

/// The room's log from this line on.
async fn lines(supervisor: &Desk, mut from: u64) -> Vec<IndexedOperation> {
    let mut lines = Vec::new();
    loop {
        let page = ListPage { from, limit: 1_000 };
        let log: OperationLog = supervisor.room(OPERATION_LOG_LIST, &page).await.unwrap();
        let Some(last) = log.entries.last() else { return lines };
        from = last.sequence + 1;
        lines.extend(log.entries);
        if lines.len() % 1_000 != 0 {
            return lines;
        }
    }
}
