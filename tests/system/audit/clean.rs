//! A thousand verifications of logs that nobody harmed: not one false alarm, also right after
//! crashes, restarts under another key and prunings.

use std::sync::Arc;
use std::time::Duration;

use audit::{Evidence, Extent, OrderAct, Survey, Trust};
use db::test_support::TestDb;
use domain::retention::{RetentionRules, Segment, japanese_day};
use domain::{Clock, FixedClock};
use ledger::{KeyName, Origin, Signer};
use provision_log::offline::Database;
use provision_log::{Keys, Limits, Log, MIGRATIONS, Opening, ROLE, WitnessConfig};
use service::metrics::Metrics;
use tempfile::TempDir;
use time::macros::datetime;
use tokio::task::{JoinHandle, JoinSet};
use wire::provision_log::SignedOrder;

use super::orders::{self, Custodian};
use super::past;
use crate::support::RUNTIME;

/// Small logs, and how often each of them is verified.
const LOGS: usize = 50;
const VERIFIED: usize = 21;
/// They mostly wait for the disk.
const AT_ONCE: usize = 10;
const KEYS: [&str; 2] = ["first.pem", "second.pem"];
const ORIGIN: &str = "log.example/provision";

struct Small {
    t: TestDb,
    folder: TempDir,
    clock: Arc<FixedClock>,
    custodians: [Custodian; 2],
    trust: Trust,
}

#[test]
fn a_thousand_clean_logs_are_all_sound() {
    RUNTIME.block_on(async {
        let mut verified = 0;
        for first in (0..LOGS).step_by(AT_ONCE) {
            let logs = first..LOGS.min(first + AT_ONCE);
            let living: JoinSet<usize> = logs
                .map(async |number| {
                    // Every tenth on PostgreSQL, where a database takes longer to make than to verify.
                    let t = match number % AT_ONCE {
                        0 => TestDb::postgres(&MIGRATIONS, ROLE).await.unwrap(),
                        _ => TestDb::sqlite(&MIGRATIONS).await,
                    };
                    Small::around(t).live(number).await
                })
                .collect();
            verified += living.join_all().await.into_iter().sum::<usize>();
        }
        assert!(verified >= 1_000, "{verified}");
    });
}

impl Small {
    fn around(t: TestDb) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for key in KEYS {
            crypto::SigningKey::create(&folder.path().join(key)).unwrap();
        }
        let custodians = ["kimura", "sato"].map(|name| Custodian::new(folder.path(), name));
        let trust = Trust {
            origin: Origin::parse(ORIGIN).unwrap(),
            log: KEYS.map(|key| signer(&folder, key).verifier().clone()).to_vec(),
            witnesses: Vec::new(),
            custodians: custodians.iter().map(|one| one.signer.verifier().clone()).collect(),
            retention: RetentionRules::shipped(),
        };
        let clock = Arc::new(FixedClock::at(datetime!(2018-03-30 03:00 UTC)));
        Self { t, folder, clock, custodians, trust }
    }

    /// The log's key of this time; for a while both sign, and then the first is of former days.
    fn keys(&self, step: usize) -> Keys {
        let [first, second] = KEYS.map(|key| signer(&self.folder, key));
        let (custodians, former) = (self.trust.custodians.clone(), vec![first.verifier().clone()]);
        match step {
            0..7 => Keys { custodians, ..Keys::new(first) },
            7..14 => Keys { custodians, overlapping: Some(second), ..Keys::new(first) },
            _ => Keys { custodians, former, ..Keys::new(second) },
        }
    }

    async fn open(&self, step: usize) -> (Log, JoinHandle<()>) {
        let opening = Opening {
            keys: self.keys(step),
            head_file: self.folder.path().join("head"),
            witness: WitnessConfig::default(),
            limits: Limits::default(),
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let opened = Log::open(self.t.db.clone(), opening, clock, &Metrics::default()).await;
        let (log, writer) = opened.unwrap();
        (log, tokio::spawn(writer.run()))
    }

    fn assert_sound(&self, name: &str) {
        let mut source = Database::open(&self.t.owner).unwrap();
        let extent = Extent { since: None, thorough: true };
        let report = audit::verify(&mut source, &self.trust, Evidence::default(), &extent);
        assert!(report.sound, "{name}: {report:?}");
    }

    /// Lives through eight years; returns how often it was verified.
    async fn live(&self, number: usize) -> usize {
        let mut verified = 0;
        for step in 0..VERIFIED {
            let (log, writing) = self.open(step).await;
            let count = (number * 7 + step * 5) % 9;
            past::append(&log, self.clock.now(), count, "t-1").await;
            match step % 3 {
                // In order.
                0 => {
                    log.rest().await;
                    writing.await.unwrap();
                }
                // As after SIGKILL: whoever was writing is gone in the midst of it.
                1 => crash(log, writing, number + step, self.clock.now()).await,
                _ => {
                    let gone = self.prune(&log).await;
                    log.rest().await;
                    writing.await.unwrap();
                    assert!(step < 18 || gone > 0 || number.is_multiple_of(9), "{number} {step}");
                }
            }
            self.assert_sound(&format!("log {number}, step {step}"));
            verified += 1;
            self.clock.advance(time::Duration::days(140));
        }
        verified
    }

    /// Destroys the oldest month whose time is over, if there is one; says how many bodies.
    async fn prune(&self, log: &Log) -> u64 {
        let now = self.clock.now();
        let today = japanese_day(now.unix_timestamp() * 1_000).unwrap();
        let slips = {
            let mut source = Database::open(&self.t.owner).unwrap();
            let survey = Survey::of(&mut source, &self.trust).unwrap();
            let months: Vec<Segment> = survey.months.keys().copied().collect();
            let draft = |segment: &Segment| survey.draft(&mut source, *segment, today).ok();
            months.iter().find_map(draft).unwrap_or_default()
        };
        let mut gone = 0;
        for slip in slips {
            let both = &self.custodians;
            let note = orders::signed(&self.trust.origin, OrderAct::Destroy(slip), both);
            while let Err(error) = log.order(SignedOrder { note: note.clone() }).await {
                // Somebody crashed in the midst of writing; the log looks again at what is there.
                assert_eq!(*error.kind(), service::problems::UNAVAILABLE, "{error:?}");
            }
            self.assert_sound("ordered");
            let done = provision_log::destroy(&self.t.owner, &note, self.trust.clone()).await;
            gone += done.unwrap().bodies;
        }
        gone
    }
}

async fn crash(log: Log, writing: JoinHandle<()>, number: usize, at: time::OffsetDateTime) {
    let appending: Vec<_> = (0..8)
        .map(|kind| {
            let (log, entry) = (log.clone(), past::entry(kind, at, "t-2"));
            tokio::spawn(async move { log.append(entry).await.map(drop) })
        })
        .collect();
    let micros = u64::try_from(number).unwrap() * 397 % 4_000;
    tokio::time::sleep(Duration::from_micros(micros)).await;
    writing.abort();
    let _ = writing.await;
    for one in appending {
        let _ = one.await;
    }
}

fn signer(folder: &TempDir, key: &str) -> Signer {
    let key = crypto::SigningKey::load(&folder.path().join(key)).unwrap();
    Signer::new(KeyName::parse(ORIGIN).unwrap(), key.into_ed25519())
}
