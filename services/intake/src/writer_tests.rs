//! The writer and the store below it, on both engines.

use std::collections::BTreeSet;
use std::sync::Arc;

use db::test_support::TestDb;
use domain::{
    Action, Actor, Clock as _, MunicipalityCode, OpContext, RequestId, SystemClock, TerminalId,
};
use service::ApiError;
use service::metrics::Metrics;
use tokio::sync::{Semaphore, mpsc, oneshot};
use uuid::Uuid;
use wire::intake::{CaptureName, KeptDevice, SealedCapture, WaitingCapture};

use crate::access::Line;
use crate::metrics::IntakeMetrics;
use crate::sender::{Name, Sender};
use crate::waiting::Waiting;
use crate::writer::{Handed, Job, Wanted, Writer};
use crate::{MIGRATIONS, ROLE, store};

const THUMBPRINT: [u8; 32] = [7; 32];

fn code(text: &str) -> MunicipalityCode {
    MunicipalityCode::parse(text).unwrap()
}

fn tablet(name: &str) -> TerminalId {
    TerminalId::parse(name).unwrap()
}

fn sender(name: &str) -> Sender {
    let name = Name { municipality: code("131211"), device: tablet(name) };
    Sender { name, thumbprint: THUMBPRINT }
}

fn context(name: &Name) -> OpContext {
    let Name { municipality, device } = name.clone();
    let actor = Actor::Device { municipality, device };
    OpContext::new(actor, RequestId::make_random(), SystemClock.now())
}

fn capture(id: u128) -> SealedCapture {
    SealedCapture { id: Uuid::from_u128(id), key_id: 1, sealed: vec![1, 2, 3].into() }
}

/// A writer at work, and the way to it.
struct Desk {
    test: TestDb,
    jobs: mpsc::Sender<Job>,
}

impl Desk {
    async fn each<F: AsyncFn(Self)>(work: F) {
        for test in TestDb::each(&MIGRATIONS, ROLE).await {
            let (jobs, waiting) = mpsc::channel(1_000);
            let writer = Writer {
                db: test.db.clone(),
                jobs: waiting,
                batch_captures_max: 100,
                last_seq: test.db.read("test", store::last_seq).await.unwrap(),
                metrics: IntakeMetrics::new(&Metrics::default()),
            };
            tokio::spawn(writer.run());
            let desk = Self { test, jobs };
            desk.keep(&[("tablet-1", false), ("tablet-2", false)]).await.unwrap();
            work(desk).await;
        }
    }

    async fn keep(&self, devices: &[(&str, bool)]) -> Result<(), ApiError> {
        self.keep_as(devices, THUMBPRINT).await
    }

    async fn keep_as(&self, devices: &[(&str, bool)], print: [u8; 32]) -> Result<(), ApiError> {
        let kept = |(name, revoked): &(&str, bool)| KeptDevice {
            device: tablet(name),
            thumbprint: print.to_vec().into(),
            revoked: *revoked,
        };
        let devices: Vec<KeptDevice> = devices.iter().map(kept).collect();
        let keep = move |tx: &mut db::Tx| store::keep(tx, code("131211"), &devices);
        self.test.db.transaction("test", keep).await
    }

    async fn send(&self, sender: Sender, captures: Vec<SealedCapture>) -> Result<(), &'static str> {
        let (done, kept) = oneshot::channel();
        let places = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let line = Line::of(&context(&sender.name), Action::SendCapture);
        let line = Line { kept: captures.len(), ..line };
        let handed = Handed { sender, captures, received_at_unix_ms: 5 };
        let wanted = Wanted { line, handed: Some(handed) };
        self.jobs.send(Job { wanted, done, places }).await.unwrap();
        kept.await.unwrap().map_err(|error| error.kind().code)
    }

    /// A line of a request that hands in nothing.
    async fn note(&self, result: &'static str) {
        let context = context(&sender("tablet-1").name);
        let line = Line { result, ..Line::of(&context, Action::KeepDevices) };
        let (done, written) = oneshot::channel();
        let places = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let wanted = Wanted { line, handed: None };
        self.jobs.send(Job { wanted, done, places }).await.unwrap();
        written.await.unwrap().unwrap();
    }

    async fn fetch(&self, after: u64, limit: u16) -> Vec<WaitingCapture> {
        let fetch = move |tx: &mut db::Tx| store::fetch(tx, code("131211"), (after, limit));
        self.test.db.read("test", fetch).await.unwrap()
    }
}

#[tokio::test]
async fn a_capture_that_comes_again_is_there_once_and_as_it_came_first() {
    Desk::each(async |desk| {
        desk.send(sender("tablet-1"), vec![capture(1), capture(2)]).await.unwrap();
        let changed = SealedCapture { sealed: vec![9].into(), ..capture(1) };
        desk.send(sender("tablet-1"), vec![changed, capture(3), capture(3)]).await.unwrap();
        // Another device may have chosen the same id.
        desk.send(sender("tablet-2"), vec![capture(1)]).await.unwrap();
        let there = desk.fetch(0, 100).await;
        let ids: Vec<u128> = there.iter().map(|one| one.id.as_u128()).collect();
        assert_eq!(ids, [1, 2, 3, 1]);
        assert!(there.iter().all(|one| one.sealed.0 == [1, 2, 3]));
    })
    .await;
}

#[tokio::test]
async fn many_calls_at_once_are_all_written_and_read_back_page_by_page() {
    Desk::each(async |desk| {
        let desk = Arc::new(desk);
        let calls: Vec<_> = (0..60_u128)
            .map(|call| {
                let desk = Arc::clone(&desk);
                let captures = (0..10).map(|one| capture(call * 10 + one)).collect();
                tokio::spawn(async move { desk.send(sender("tablet-1"), captures).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        let (mut after, mut found) = (0, BTreeSet::new());
        loop {
            let page = desk.fetch(after, 70).await;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            found.extend(page.iter().map(|one| one.id));
        }
        assert_eq!(found.len(), 600);
    })
    .await;
}

#[tokio::test]
async fn only_a_registered_device_with_its_own_certificate_that_is_not_revoked_is_heard() {
    Desk::each(async |desk| {
        let stranger = desk.send(sender("tablet-3"), vec![capture(1)]).await;
        assert_eq!(stranger, Err("device-unknown"));
        let impostor = Sender { thumbprint: [8; 32], ..sender("tablet-1") };
        assert_eq!(desk.send(impostor, vec![capture(1)]).await, Err("device-unknown"));
        let mut neighbour = sender("tablet-1");
        neighbour.name.municipality = code("072036");
        assert_eq!(desk.send(neighbour, vec![capture(1)]).await, Err("device-unknown"));

        desk.send(sender("tablet-1"), vec![capture(1)]).await.unwrap();
        desk.keep(&[("tablet-1", true)]).await.unwrap();
        let revoked = desk.send(sender("tablet-1"), vec![capture(2)]).await;
        assert_eq!(revoked, Err("device-revoked"));
        // An older word about the device arrives late.
        desk.keep(&[("tablet-1", false)]).await.unwrap();
        let revoked = desk.send(sender("tablet-1"), vec![capture(2)]).await;
        assert_eq!(revoked, Err("device-revoked"));
        desk.send(sender("tablet-2"), vec![capture(2)]).await.unwrap();
        assert_eq!(desk.fetch(0, 10).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_name_stays_with_its_certificate() {
    Desk::each(async |desk| {
        let other = desk.keep_as(&[("tablet-4", false), ("tablet-1", false)], [9; 32]).await;
        assert_eq!(other.unwrap_err().kind().code, "device-differs");
        // All or nothing.
        let unknown = desk.send(sender("tablet-4"), vec![capture(1)]).await;
        assert_eq!(unknown, Err("device-unknown"));
    })
    .await;
}

#[tokio::test]
async fn what_its_municipality_has_goes_and_nothing_else() {
    Desk::each(async |desk| {
        desk.send(sender("tablet-1"), vec![capture(1), capture(2)]).await.unwrap();
        desk.send(sender("tablet-2"), vec![capture(1)]).await.unwrap();
        let waiting = Waiting::default();
        assert_eq!(waiting.count(&desk.test.db).await.unwrap(), 3);
        assert_eq!(waiting.room(&sender("tablet-1").name, 3), 1);
        let name =
            |device: &str, id| CaptureName { device: tablet(device), id: Uuid::from_u128(id) };
        for municipality in ["072036", "131211", "131211"] {
            let gone = [name("tablet-1", 1), name("tablet-2", 2)];
            let forget = move |tx: &mut db::Tx| store::forget(tx, code(municipality), &gone);
            desk.test.db.transaction("test", forget).await.unwrap();
        }
        let left: Vec<_> =
            desk.fetch(0, 10).await.into_iter().map(|one| (one.device, one.id)).collect();
        let name = |device, id| (tablet(device), Uuid::from_u128(id));
        assert_eq!(left, [name("tablet-1", 2), name("tablet-2", 1)]);
    })
    .await;
}

#[tokio::test]
async fn every_request_has_one_line_that_says_how_it_ended() {
    Desk::each(async |desk| {
        desk.send(sender("tablet-1"), vec![capture(1), capture(2)]).await.unwrap();
        desk.send(sender("tablet-3"), vec![capture(1)]).await.unwrap_err();
        desk.note("device-differs").await;
        desk.send(sender("tablet-1"), Vec::new()).await.unwrap();
        let said = desk.test.db.read("test", store::said).await.unwrap();
        let line = |seq, device: &str, act: &str, (kept, refused), result: &str| {
            let caller = Some(format!("device/{device}"));
            (seq, caller, act.to_owned(), kept, refused, result.to_owned())
        };
        let want = [
            line(1, "tablet-1", "SendCapture", (2, 0), "done"),
            line(2, "tablet-3", "SendCapture", (0, 1), "device-unknown"),
            line(3, "tablet-1", "KeepDevices", (0, 0), "device-differs"),
            line(4, "tablet-1", "SendCapture", (0, 0), "done"),
        ];
        assert_eq!(said, want);
    })
    .await;
}

#[tokio::test]
async fn many_lines_at_once_are_all_there_without_a_gap() {
    Desk::each(async |desk| {
        let desk = Arc::new(desk);
        let calls: Vec<_> = (0..250)
            .map(|_| {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move { desk.note("done").await })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        let said = desk.test.db.read("test", store::said).await.unwrap();
        assert!(said.iter().map(|line| line.0).eq(1..=250));
    })
    .await;
}
