//! A log of some hundred entries: months of years ago, inquiries of today and an order of a custodian.
//!
//! It is made once for each engine, by the real services, and then stopped; tests break copies.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use audit::{Cosigned, Evidence, Hold, IndexRange, OrderAct, Report, Scope, Trust};
use crypto::{KeyStore, Purpose, SigningKey};
use domain::retention::RetentionRules;
use domain::{InquiryId, ServiceKind};
use ledger::{
    Cosignature, KeyName, Note, Origin, Signer, WitnessVerifier, timed_text, witness_name,
};
use serde_json::json;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::task::JoinSet;
use watari::Settings;
use wire::provision_log::Receipt;

use super::copies::Copy;
use super::orders::{self, Custodian};
use super::past;
use super::rows;
use crate::support::{Engine, RUNTIME, World, clock, dose, fresh_number, postgres_url, question};

/// Months of the past, and how many entries each of them has.
pub(super) const PAST: [(OffsetDateTime, usize); 3] = [
    (datetime!(2018-10-20 03:00 UTC), 150),
    (datetime!(2018-12-31 16:30 UTC), 20),
    (datetime!(2024-02-29 03:00 UTC), 10),
];
/// Rounds of inquiries of today, and how many are asked at the same time.
const ROUNDS: (usize, usize) = (12, 12);

pub(super) struct Master {
    /// The stopped log's database, as its owner reaches it.
    pub(super) url: String,
    pub(super) trust: Trust,
    /// The log's online key.
    pub(super) signer: Signer,
    pub(super) custodians: [Custodian; 2],
    /// A witness of its own, of whom the log knows nothing.
    pub(super) auditor: Auditor,
    pub(super) size: u64,
    /// Where the order stands.
    pub(super) order: u64,
    /// Of the past, as municipalities hold them.
    pub(super) receipts: Vec<Receipt>,
    _folders: [TempDir; 2],
}

/// The same test on both engines; all tests break copies of the same log.
pub(super) fn on_both(test: impl Fn(&'static Master)) {
    static MASTERS: [OnceLock<Master>; 2] = [OnceLock::new(), OnceLock::new()];
    for (cell, engine) in MASTERS.iter().zip([Engine::Sqlite, Engine::Postgres]) {
        test(cell.get_or_init(|| {
            let _turn = alone();
            RUNTIME.block_on(Master::make(engine))
        }));
    }
}

/// One whole system at a time: several together would take their time from each other, and then
/// their deadlines pass.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Master {
    async fn make(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let custodians = ["kimura", "sato"].map(|name| Custodian::new(folder.path(), name));
        let change = |settings: &mut Settings| {
            settings.provision_log.as_mut().unwrap().custodians = orders::named(&custodians);
            often_witnessed(settings);
            unlimited(settings);
        };
        let mut receipts = Vec::new();
        let prepare = async |settings: &Settings| {
            for (at, count) in PAST {
                receipts.extend(past::log(settings, at, count, "t-1").await);
            }
        };
        let owner_url = (engine == Engine::Postgres).then(postgres_url);
        let world = World::start_prepared(owner_url, change, clock(), prepare).await;
        inquire(&world, ROUNDS.0 / 2).await;
        let scope = Scope::Range(IndexRange { from_index: 5, to_index: 7 });
        let hold = OrderAct::Hold(Hold { scope, reason: "lawsuit".to_owned() });
        let note = orders::signed(&origin(&world.site.settings), hold, &custodians[..1]);
        let order = orders::submit(&world, &note).await.unwrap().index;
        inquire(&world, ROUNDS.0 / 2).await;
        let World { house, folder: site, .. } = world;
        let settings = house.settings.clone();
        house.stop().await;
        let auditor = Auditor::new();
        let mut trust = trust(&settings);
        trust.witnesses.push(auditor.verifier.clone());
        let signer = settings.provision_log().unwrap().signer().unwrap();
        let url = owner_url_of(&settings);
        let size = rows::notes(&mut Copy::of(&url).attack()).last().unwrap().0;
        let _folders = [folder, site];
        Self { url, trust, signer, custodians, auditor, size, order, receipts, _folders }
    }

    pub(super) fn copy(&self) -> Copy {
        Copy::of(&self.url)
    }

    /// What the auditor kept while this log grew: a checkpoint of each of these sizes, or of the
    /// next that the log signed.
    pub(super) fn witness(&self, copy: &Copy, sizes: &[u64]) -> Vec<String> {
        let notes = rows::notes(&mut copy.attack());
        let next = |size: &u64| notes.iter().find(|(signed, _)| signed >= size).unwrap();
        sizes.iter().map(|size| self.auditor.cosign(&next(size).1)).collect()
    }

    /// Verifies a copy with nothing but keys.
    pub(super) fn verify(&self, copy: &Copy) -> Report {
        copy.verify(&self.trust, Evidence::default())
    }

    /// Verifies a copy against what witnesses kept.
    pub(super) fn verify_with(&self, copy: &Copy, notes: &[String]) -> Report {
        let witnessed = self.opened(notes);
        copy.verify(&self.trust, Evidence { witnessed, ..Evidence::default() })
    }

    pub(super) fn opened(&self, notes: &[String]) -> Vec<Cosigned> {
        notes.iter().map(|note| Cosigned::open(note, &self.trust).unwrap()).collect()
    }
}

pub(super) struct Auditor {
    key: SigningKey,
    pub(super) verifier: WitnessVerifier,
}

impl Auditor {
    pub(super) fn new() -> Self {
        let key = SigningKey::make_random().unwrap();
        let name = KeyName::parse("auditor.example/witness").unwrap();
        let verifier = WitnessVerifier::new(name, key.verifying_key().to_ed25519());
        Self { key, verifier }
    }

    /// The note with the auditor's cosignature alone beside the log's own signature.
    pub(super) fn cosign(&self, note: &str) -> String {
        self.cosign_at(note, clock().now())
    }

    pub(super) fn cosign_at(&self, note: &str, at: OffsetDateTime) -> String {
        let mut note: Note = note.parse().unwrap();
        let now = u64::try_from(at.unix_timestamp()).unwrap();
        let message = timed_text(note.text(), now);
        let signature = self.key.sign(Purpose::Cosignature, message.as_bytes());
        note.add_line(self.verifier.line(&Cosignature::new(now, signature.to_bytes())));
        note.to_string()
    }
}

/// A witness's own file.
pub(super) fn witness_file(folder: &TempDir, notes: &[String]) -> PathBuf {
    let path = folder.path().join(uuid::Uuid::new_v4().simple().to_string());
    let lines: Vec<String> = notes.iter().map(|note| json!({ "note": note }).to_string()).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    path
}

/// Koriyama asks Adachi about people whose doses Adachi knows, and about people it does not know.
pub(super) async fn inquire(world: &World, rounds: usize) {
    let [known, unknown] = [fresh_number(), fresh_number()];
    world.arrive_in_koriyama(known).await;
    world.arrive_in_koriyama(unknown).await;
    world.live_in_adachi(known, &[dose(1)]).await;
    let clerk = Arc::new(world.desk(&world.cast.koriyama.clerk).await);
    let adachi = world.cast.adachi.code;
    for _ in 0..rounds {
        let mut asking = JoinSet::new();
        for place in 0..ROUNDS.1 {
            let clerk = Arc::clone(&clerk);
            let number = if place % 2 == 0 { known } else { unknown };
            let asked = question(number, adachi);
            asking.spawn(async move { clerk.ask_until_definite(&asked).await.unwrap() });
        }
        asking.join_all().await;
    }
}

/// Koriyama's questions about these people, one after the other.
pub(super) async fn inquire_about(world: &World, numbers: &[u32]) -> Vec<InquiryId> {
    let clerk = world.desk(&world.cast.koriyama.clerk).await;
    let mut asked = Vec::new();
    for number in numbers {
        let question = question(*number, world.cast.adachi.code);
        let answer = clerk.ask_until_definite(&question).await.unwrap();
        assert!(!answer.vaccinations.is_empty());
        asked.push(answer.inquiry);
    }
    asked
}

/// One clerk asks here as often as a whole city would, and misses as often.
pub(super) fn unlimited(settings: &mut Settings) {
    let limits = &mut settings.broker.as_mut().unwrap().limits;
    (limits.requests_per_s_max, limits.mismatches_block_at) = (0, 0);
}

/// The rooms cosign once a second.
pub(super) fn often_witnessed(settings: &mut Settings) {
    settings.partition.as_mut().unwrap().witness.every_s = 1;
    settings.provision_log.as_mut().unwrap().witness.round_s = 1;
}

pub(super) fn origin(settings: &Settings) -> Origin {
    Origin::parse(&settings.provision_log().unwrap().origin).unwrap()
}

/// Every key of the log, of its custodians and of the rooms that witness it.
pub(super) fn trust(settings: &Settings) -> Trust {
    let (log, partition) = (settings.provision_log().unwrap(), settings.partition().unwrap());
    let (origin, keys) = (origin(settings), log.keys().unwrap());
    let (kek, folder) = (&partition.keys.key_encryption_key, &partition.keys.folder);
    let store = KeyStore::open(kek, folder).unwrap();
    let witness = |code: &domain::MunicipalityCode| {
        let keys = store.room(*code).unwrap().unwrap().public_keys();
        let name = witness_name(&origin, code.as_str()).unwrap();
        WitnessVerifier::new(name, keys.signing.first().unwrap().key.to_ed25519())
    };
    let witnesses = partition.municipalities.iter().map(witness).collect();
    let (verifiers, custodians) = (keys.verifiers(), keys.custodians);
    let retention = RetentionRules::shipped();
    Trust { origin, log: verifiers, witnesses, custodians, retention }
}

pub(super) fn owner_url_of(settings: &Settings) -> String {
    let config = settings.database(ServiceKind::ProvisionLog).unwrap();
    config.owner_url.as_ref().unwrap_or(&config.url).reveal().unwrap()
}
