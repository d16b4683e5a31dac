//! The one writer: gathers what waits into one transaction, then answers everybody at once.
//!
//! Invariant: nobody hears "accepted" before the transaction that holds the capture is committed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use db::{Db, Tx};
use domain::MunicipalityCode;
use service::ApiError;
use service::problems::{INTERNAL, ProblemKind};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use wire::intake::SealedCapture;

use crate::access::Line;
use crate::metrics::IntakeMetrics;
use crate::problems;
use crate::sender::Sender;
use crate::store::{self, Known, NewCapture};

/// What is to be written, and the call that waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) wanted: Wanted,
    pub(crate) done: oneshot::Sender<Result<(), ApiError>>,
    /// Places in the queue, held until this is written.
    pub(crate) places: OwnedSemaphorePermit,
}

#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) line: Line,
    pub(crate) handed: Option<Handed>,
}

/// What a device hands in.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) sender: Sender,
    /// Those that are found well.
    pub(crate) captures: Vec<SealedCapture>,
    pub(crate) received_at_unix_ms: i64,
}

impl Wanted {
    /// How many places it takes in the queue.
    pub(crate) fn size(&self) -> usize {
        self.handed.as_ref().map_or(1, |handed| handed.captures.len().max(1))
    }
}

/// Why a device's captures are not kept, if they are not.
type Verdict = Option<&'static ProblemKind>;

#[must_use = "an intake without its writer refuses every capture"]
pub(crate) struct Writer {
    pub(crate) db: Db,
    pub(crate) jobs: mpsc::Receiver<Job>,
    pub(crate) batch_captures_max: usize,
    pub(crate) last_seq: i64,
    pub(crate) metrics: IntakeMetrics,
}

impl Writer {
    /// Writes until the service is dropped.  What arrives while one batch is being committed makes
    /// up the next: nobody is kept waiting for company.
    pub(crate) async fn run(mut self) {
        while let Some(first) = self.jobs.recv().await {
            let mut size = first.wanted.size();
            let mut jobs = vec![first];
            while size < self.batch_captures_max
                && let Ok(job) = self.jobs.try_recv()
            {
                size += job.wanted.size();
                jobs.push(job);
            }
            let (mut wanted, mut waiting) = (Vec::new(), Vec::new());
            for Job { wanted: one, done, places } in jobs {
                wanted.push(one);
                waiting.push((done, places));
            }
            let verdicts = self.write(wanted.into()).await;
            for (place, (done, _places)) in waiting.into_iter().enumerate() {
                let answer = match &verdicts {
                    Ok(verdicts) => match verdicts.get(place) {
                        Some(None) => Ok(()),
                        Some(Some(kind)) => Err(ApiError::new(kind)),
                        None => Err(ApiError::new(&INTERNAL)),
                    },
                    Err(error) => Err(ApiError::new(error.kind())),
                };
                // Who has gone away meanwhile sends again: the capture has its id.
                let _ = done.send(answer);
            }
        }
    }

    async fn write(&mut self, wanted: Arc<[Wanted]>) -> Result<Vec<Verdict>, ApiError> {
        let handed = wanted.iter().filter_map(|one| one.handed.as_ref());
        let captures: usize = handed.map(|one| one.captures.len()).sum();
        let first_seq = self.last_seq + 1;
        // Also if it fails: the rows may be there all the same.
        self.last_seq = self.last_seq.saturating_add(i64::try_from(captures).unwrap_or(i64::MAX));
        let name = "intake.captures";
        let work = move |tx: &mut Tx| keep(tx, &wanted, first_seq);
        let verdicts = self.db.transaction(name, work).await;
        let verdicts = verdicts.inspect_err(|error| {
            tracing::error!(code = error.kind().code, captures, "captures and lines not written");
        })?;
        if captures == 0 {
            return Ok(verdicts);
        }
        self.metrics.batch.observe(f64::from(u32::try_from(captures).unwrap_or(u32::MAX)));
        Ok(verdicts)
    }
}

/// Looks every device up in the transaction that keeps its captures: a revocation that is durable
/// counts.
fn keep(tx: &mut Tx, wanted: &[Wanted], first_seq: i64) -> Result<Vec<Verdict>, ApiError> {
    let known = known(tx, wanted)?;
    let judge = |one: &Wanted| one.handed.as_ref().and_then(|one| verdict(&one.sender, &known));
    let verdicts: Vec<Verdict> = wanted.iter().map(judge).collect();
    let heard = wanted.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_none());
    let captures = heard.flat_map(|(one, _)| {
        let handed = one.handed.iter();
        handed.flat_map(move |handed| handed.captures.iter().map(move |one| (handed, one)))
    });
    let rows: Vec<NewCapture<'_>> = captures
        .zip(first_seq..)
        .map(|((handed, capture), seq)| NewCapture {
            municipality: handed.sender.name.municipality.as_str(),
            device: handed.sender.name.device.as_str(),
            id: capture.id.as_bytes(),
            seq,
            sealed: &capture.sealed.0,
            received_at_unix_ms: handed.received_at_unix_ms,
        })
        .collect();
    store::insert(tx, &rows)?;
    let lines = wanted.iter().zip(&verdicts).map(|(one, verdict)| ended(one, *verdict));
    store::tell(tx, &lines.collect::<Vec<_>>())?;
    Ok(verdicts)
}

/// The line as the request has ended; of a device that is not heard, nothing is kept.
fn ended(one: &Wanted, verdict: Verdict) -> Line {
    let line = one.line.clone();
    match verdict {
        None => line,
        Some(kind) => {
            Line { result: kind.code, kept: 0, refused: line.kept + line.refused, ..line }
        }
    }
}

type KnownDevices = HashMap<(MunicipalityCode, String), Known>;

fn known(tx: &mut Tx, wanted: &[Wanted]) -> Result<KnownDevices, ApiError> {
    let mut names: BTreeMap<MunicipalityCode, Vec<&str>> = BTreeMap::new();
    for one in wanted.iter().filter_map(|one| one.handed.as_ref()) {
        let name = &one.sender.name;
        names.entry(name.municipality).or_default().push(name.device.as_str());
    }
    let mut all = KnownDevices::new();
    for (municipality, names) in names {
        let found = store::known(tx, municipality, &names)?.into_iter();
        all.extend(found.map(|(name, known)| ((municipality, name), known)));
    }
    Ok(all)
}

fn verdict(sender: &Sender, known: &KnownDevices) -> Verdict {
    let name = (sender.name.municipality, sender.name.device.as_str().to_owned());
    match known.get(&name) {
        Some(known) if known.thumbprint != sender.thumbprint => Some(&problems::DEVICE_UNKNOWN),
        None => Some(&problems::DEVICE_UNKNOWN),
        Some(known) if known.is_revoked => Some(&problems::DEVICE_REVOKED),
        Some(_) => None,
    }
}
