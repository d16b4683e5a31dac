//! Entries of years ago: the log itself wrote them, by a clock of that time.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use domain::{FixedClock, InquiryId, MunicipalityCode, OperatorId, Outcome, Reason, TerminalId};
use provision_log::Log;
use service::metrics::Metrics;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;
use watari::Settings;
use wire::Base64Bytes;
use wire::provision_log::{Entry, Receipt};

/// Batches that nobody waits for between two checkpoints.
const AT_ONCE: usize = 10;

/// Lets the stopped log of these settings take in so many entries at a moment of the past.
pub(super) async fn log(
    settings: &Settings,
    at: OffsetDateTime,
    count: usize,
    terminal: &str,
) -> Vec<Receipt> {
    let config = settings.provision_log().unwrap();
    let db = Db::open(&config.database.service().unwrap()).await.unwrap();
    let clock = Arc::new(FixedClock::at(at));
    let opening = config.opening().unwrap();
    let (log, writer) = Log::open(db, opening, clock, &Metrics::default()).await.unwrap();
    let writing = tokio::spawn(writer.run());
    let receipts = append(&log, at, count, terminal).await;
    log.rest().await;
    writing.await.unwrap();
    receipts
}

pub(super) async fn append(
    log: &Log,
    at: OffsetDateTime,
    count: usize,
    terminal: &str,
) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for first in (0..count).step_by(AT_ONCE) {
        let mut appending = JoinSet::new();
        for kind in first..count.min(first + AT_ONCE) {
            let (log, entry) = (log.clone(), entry(kind, at, terminal));
            appending.spawn(async move { append_one(&log, entry).await });
        }
        receipts.extend(appending.join_all().await);
    }
    receipts.sort_by_key(|receipt| receipt.index);
    receipts
}

/// Sends it again for as long as it is not known what became of it.
async fn append_one(log: &Log, entry: Entry) -> Receipt {
    for _ in 0..20 {
        if let Ok(receipt) = log.append(entry.clone()).await {
            return receipt;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    log.append(entry).await.unwrap()
}

/// Of a correction the inquiry that had been provided, of a release the one that had ended with
/// nothing: both stand four entries before.
fn inquiry(kind: usize, at: OffsetDateTime, terminal: &str) -> InquiryId {
    let asked = if matches!(kind % 6, 4 | 5) { kind - 4 } else { kind };
    let digest = crypto::sha256(format!("{asked} {at} {terminal}").as_bytes());
    InquiryId(Uuid::from_slice(&digest[..16]).unwrap())
}

/// An outcome, of each kind in turn.
pub(super) fn entry(kind: usize, at: OffsetDateTime, terminal: &str) -> Entry {
    let ends = [
        (Outcome::Provided, None),
        (Outcome::Nothing, None),
        (Outcome::Refused, Some(Reason::NotPermitted)),
        (Outcome::Failed, Some(Reason::SourceUnavailable)),
        (Outcome::Corrected, None),
        (Outcome::Released, None),
    ];
    let (outcome, reason) = ends[kind % ends.len()];
    let commitment = outcome.provides().then(|| Base64Bytes(vec![7; 32]));
    let asked_at_unix_s = at.unix_timestamp();
    Entry {
        inquiry: inquiry(kind, at, terminal),
        permit: Uuid::new_v4().to_string(),
        inquirer: MunicipalityCode::parse("072036").unwrap(),
        provider: MunicipalityCode::parse("131211").unwrap(),
        operator: OperatorId::parse("clerk-koriyama").unwrap(),
        terminal: TerminalId::parse(terminal).unwrap(),
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        items: "vaccination".to_owned(),
        outcome,
        reason,
        commitment,
        asked_at_unix_s,
        decided_at_unix_ms: asked_at_unix_s * 1_000,
    }
}
