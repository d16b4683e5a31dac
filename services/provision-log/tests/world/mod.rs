//! A log on a database of its own, entries to put in, and an eye that checks receipts.
#![expect(dead_code, reason = "every test file uses a part of it")]

pub(crate) mod net;

use std::path::PathBuf;
use std::sync::Arc;

use db::test_support::TestDb;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{
    Clock, InquiryId, MunicipalityCode, OperatorId, Outcome, Reason, SystemClock, TerminalId,
};
use ledger::{
    Checkpoint, Hash, KeyName, Origin, Signer, Tree, Verifier, leaf_hash, verify_consistency,
    verify_inclusion,
};
use provision_log::{Keys, Limits, Log, MIGRATIONS, Opening, ROLE, WitnessConfig};
use service::metrics::Metrics;
use service::server::StartError;
use tempfile::TempDir;
use uuid::Uuid;
use wire::Base64Bytes;
use wire::provision_log::{Act, Entry, LeafBody, ProveConsistency, Receipt};

pub(crate) const ORIGIN: &str = "log.example/provision";

diesel::table! {
    entry (seq) {
        seq -> BigInt,
        body -> Binary,
    }
}

diesel::table! {
    cosigned (size, cosigned_at_unix_ms) {
        size -> BigInt,
        cosigned_at_unix_ms -> BigInt,
        note -> Text,
    }
}

pub(crate) struct World {
    pub(crate) t: TestDb,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn each() -> Vec<Self> {
        let all = TestDb::each(&MIGRATIONS, ROLE).await;
        all.into_iter().map(Self::around).collect()
    }

    pub(crate) fn around(t: TestDb) -> Self {
        let folder = tempfile::tempdir().unwrap();
        crypto::SigningKey::create(&folder.path().join("log.pem")).unwrap();
        Self { t, folder }
    }

    pub(crate) fn signer(&self) -> Signer {
        self.key("log.pem")
    }

    /// A key of the log's by its file, made anew if it isn't there.
    pub(crate) fn key(&self, file: &str) -> Signer {
        let path = self.folder.path().join(file);
        if !path.exists() {
            crypto::SigningKey::create(&path).unwrap();
        }
        let key = crypto::SigningKey::load(&path).unwrap();
        Signer::new(KeyName::parse(ORIGIN).unwrap(), key.into_ed25519())
    }

    pub(crate) async fn try_open(&self, limits: Limits) -> Result<Log, StartError> {
        self.try_open_with(Opening { limits, ..self.opening() }).await
    }

    pub(crate) async fn try_open_with(&self, opening: Opening) -> Result<Log, StartError> {
        self.try_open_at(opening, Arc::new(SystemClock)).await
    }

    pub(crate) async fn try_open_at(
        &self,
        opening: Opening,
        clock: Arc<dyn Clock>,
    ) -> Result<Log, StartError> {
        let opened = Log::open(self.t.db.clone(), opening, clock, &Metrics::default()).await;
        let (log, writer) = opened?;
        tokio::spawn(writer.run());
        Ok(log)
    }

    pub(crate) fn opening(&self) -> Opening {
        Opening {
            keys: Keys::new(self.signer()),
            head_file: self.head_file(),
            witness: WitnessConfig::default(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn head_file(&self) -> PathBuf {
        self.folder.path().join("log.head")
    }

    pub(crate) async fn open(&self) -> Log {
        self.try_open(Limits::default()).await.unwrap()
    }

    /// What the owner of the database does behind the log's back.
    pub(crate) async fn sql(&self, sql: &'static str) {
        self.t.as_owner(move |tx| tx.batch_execute(sql)).await;
    }

    /// What the service's own role may do.
    pub(crate) async fn as_service(&self, sql: String) -> Result<(), db::DbError> {
        self.t.db.transaction("test.service", move |tx| Ok(tx.batch_execute(&sql)?)).await
    }

    /// Engine by engine: PostgreSQL's owner has other ways than SQLite's.
    pub(crate) async fn sql_of(&self, sqlite: &'static str, postgres: &'static str) {
        self.sql(if self.t.is_sqlite() { sqlite } else { postgres }).await;
    }

    pub(crate) async fn bodies(&self) -> Vec<Vec<u8>> {
        let rows: Vec<(i64, Vec<u8>)> =
            self.t.as_owner(|tx| entry::table.order(entry::seq).load(tx)).await;
        let seqs: Vec<i64> = rows.iter().map(|(seq, _)| *seq).collect();
        let wanted: Vec<i64> = (0..).take(rows.len()).collect();
        assert_eq!(seqs, wanted, "no gaps");
        rows.into_iter().map(|(_, body)| body).collect()
    }

    /// The whole log, hashed anew from its bodies, is what the newest checkpoint says.
    pub(crate) async fn assert_whole(&self, log: &Log, entries: usize) {
        let bodies = self.bodies().await;
        assert_eq!(bodies.len(), entries);
        let mut tree = Tree::new();
        for body in &bodies {
            tree.append(leaf_hash(body));
        }
        let checkpoint = self.read(&log.checkpoint());
        assert_eq!((checkpoint.size, checkpoint.root), (tree.size(), tree.root()));
    }

    pub(crate) fn read(&self, note: &str) -> Checkpoint {
        read_note(note, self.signer().verifier())
    }

    pub(crate) fn verify(&self, receipt: &Receipt) -> Entry {
        let checkpoint = self.read(&receipt.checkpoint);
        let proof = hashes(&receipt.proof);
        let leaf = leaf_hash(receipt.entry.as_bytes());
        let Checkpoint { size, root, .. } = checkpoint;
        verify_inclusion(leaf, receipt.index, size, root, &proof).unwrap();
        read_body(&receipt.entry)
    }

    /// The log only grew between two checkpoints.
    pub(crate) async fn assert_grew(&self, log: &Log, old: &str, new: &str) {
        let (old, new) = (self.read(old), self.read(new));
        let wanted = ProveConsistency { old_size: old.size, new_size: new.size };
        let proof = hashes(&log.prove_consistency(wanted).await.unwrap().hashes);
        verify_consistency(old.size, old.root, new.size, new.root, &proof).unwrap();
    }
}

/// The outcome in a body.
pub(crate) fn read_body(body: &str) -> Entry {
    match serde_json::from_str(body).unwrap() {
        LeafBody { act: Act::Outcome(entry), .. } => entry,
        LeafBody { act: Act::Order(_), .. } => panic!("an order"),
    }
}

pub(crate) fn read_note(note: &str, verifier: &Verifier) -> Checkpoint {
    let origin = Origin::parse(ORIGIN).unwrap();
    Checkpoint::open(note, &origin, std::slice::from_ref(verifier)).unwrap()
}

pub(crate) fn hashes(proof: &[Base64Bytes]) -> Vec<Hash> {
    proof.iter().map(|hash| Hash::try_from(hash.0.as_slice()).unwrap()).collect()
}

pub(crate) fn nothing() -> Entry {
    Entry {
        inquiry: InquiryId::make_random(),
        permit: Uuid::now_v7().to_string(),
        inquirer: code("072036"),
        provider: code("131211"),
        operator: OperatorId::parse("clerk-koriyama").unwrap(),
        terminal: TerminalId::parse("koriyama-1").unwrap(),
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        items: "vaccination".to_owned(),
        outcome: Outcome::Nothing,
        reason: None,
        commitment: None,
        asked_at_unix_s: 1_790_000_000,
        decided_at_unix_ms: 1_790_000_000_250,
    }
}

pub(crate) fn provided(commitment: u8) -> Entry {
    let commitment = Some(Base64Bytes(vec![commitment; 32]));
    Entry { outcome: Outcome::Provided, commitment, ..nothing() }
}

pub(crate) fn failed() -> Entry {
    Entry { outcome: Outcome::Failed, reason: Some(Reason::SourceUnavailable), ..nothing() }
}

/// The same inquiry once more, under a permit of its own and somewhat later.
pub(crate) fn again(entry: &Entry) -> Entry {
    Entry {
        permit: Uuid::now_v7().to_string(),
        asked_at_unix_s: entry.asked_at_unix_s + 3,
        decided_at_unix_ms: entry.decided_at_unix_ms + 3_000,
        ..entry.clone()
    }
}

pub(crate) fn code(text: &str) -> MunicipalityCode {
    MunicipalityCode::parse(text).unwrap()
}
