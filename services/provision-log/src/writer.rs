//! The one writer: gathers what is waiting into one transaction, then answers everybody at once.
//!
//! Invariant: nobody gets a receipt before the transaction that holds the entry is committed.
//! Invariant: the head moves only to what the database is known to hold.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use db::{Db, DbError};
use domain::Clock;
use domain::retention::segment_of;
use ledger::Batch;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument as _;

use crate::append::AppendError;
use crate::batch::{Base, Verdict, Written};
use crate::candidate::Candidate;
use crate::head::{Head, Keeper, RestoreError};
use crate::log::Doubts;
use crate::metrics::LogMetrics;
use crate::store::{self, StoreError};

/// An entry that waits to be written, and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) candidate: Candidate,
    pub(crate) waiter: oneshot::Sender<Result<Appended, AppendError>>,
}

/// An entry that is durable, with a head that proves it.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    pub(crate) index: u64,
    pub(crate) text: Arc<str>,
    pub(crate) head: Arc<Head>,
}

/// Owns the log's growth; there is one for each log.  It ends when nobody can ask any more.
#[must_use = "a log without its writer refuses every entry"]
pub struct Writer {
    pub(crate) db: Db,
    pub(crate) keeper: Keeper,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: LogMetrics,
    pub(crate) jobs: mpsc::Receiver<Job>,
    pub(crate) head: watch::Sender<Arc<Head>>,
    /// Shared with the service's readiness.
    pub(crate) doubts: Arc<Doubts>,
    pub(crate) batch_entries_max: usize,
    /// Set when the database may hold more than the head speaks of.
    pub(crate) is_behind: bool,
    /// The month for which the database is known to have room.
    pub(crate) segment: Option<i32>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({} waiting)", self.jobs.len())
    }
}

impl Writer {
    /// Writes until the log is dropped and what had been waiting is done.
    ///
    /// Entries that arrive while one batch is being committed make up the next: nobody is kept
    /// waiting for company.
    pub async fn run(mut self) {
        let mut jobs = Vec::with_capacity(self.batch_entries_max);
        while self.jobs.recv_many(&mut jobs, self.batch_entries_max).await > 0 {
            self.metrics.taken(jobs.len());
            let (candidates, waiters): (Vec<_>, Vec<_>) =
                jobs.drain(..).map(|job| (job.candidate, job.waiter)).unzip();
            let span = tracing::info_span!("provision-log.batch", entries = candidates.len());
            let answers = self.write(candidates.into()).instrument(span).await;
            match answers {
                // Who has gone away meanwhile may ask again: the entry is found by its ids.
                Ok(answers) => waiters.into_iter().zip(answers).for_each(|(waiter, answer)| {
                    let _ = waiter.send(answer);
                }),
                Err(error) => waiters.into_iter().for_each(|waiter| {
                    let _ = waiter.send(Err(error.clone()));
                }),
            }
        }
    }

    /// Writes one batch; on an error nobody gets a receipt and the head stays where it was.
    async fn write(
        &mut self,
        candidates: Arc<[Candidate]>,
    ) -> Result<Vec<Result<Appended, AppendError>>, AppendError> {
        if self.doubts.objected.load(Ordering::Relaxed) {
            return Err(AppendError::Objected);
        }
        if self.is_behind {
            self.catch_up().await?;
        }
        let logged_at_unix_ms = unix_ms(self.clock.as_ref());
        let segment = self.open_segment(logged_at_unix_ms).await?;
        let (head, keeper) = (Arc::clone(&self.head.borrow()), self.keeper.clone());
        let base = Base { head: Arc::clone(&head), keeper, logged_at_unix_ms, segment };
        let written = self.transact(base, &candidates).await;
        let written = written.inspect_err(|error| self.is_behind = may_be_behind(error))?;
        let Written { verdicts, grown } = written;
        let head = match grown {
            Some((batch, note)) => self.advance(&head, batch, note)?,
            None => head,
        };
        let answer = |(verdict, candidate): (Verdict, &Candidate)| {
            let (index, text) = match verdict {
                Verdict::Refused(error) => return Err(error),
                Verdict::Stored { index, text } => (index, text),
                Verdict::New { index, leaf } => {
                    self.metrics.kept(&candidate.act);
                    (index, leaf.text)
                }
            };
            Ok(Appended { index, text, head: Arc::clone(&head) })
        };
        Ok(verdicts.into_iter().zip(candidates.iter()).map(answer).collect())
    }

    /// Makes room for the month in which entries are logged now, once for each month.
    async fn open_segment(&mut self, now_unix_ms: i64) -> Result<i32, AppendError> {
        let segment = segment_of(now_unix_ms).ok_or(AppendError::NoDay)?.number();
        if self.segment != Some(segment) {
            let name = "provision-log.open-segment";
            let open = move |tx: &mut _| Ok(store::open_segment(tx, segment)?);
            self.db.transaction::<_, StoreError, _>(name, open).await?;
            self.segment = Some(segment);
        }
        Ok(segment)
    }

    /// Commits one batch.  Retries are rare, so they are looked for only when the table's unique
    /// keys say that there is one.
    async fn transact(
        &self,
        base: Base,
        candidates: &Arc<[Candidate]>,
    ) -> Result<Written, StoreError> {
        let (all_new, batch) = (base.clone(), Arc::clone(candidates));
        let name = "provision-log.append";
        let done = self.db.transaction(name, move |tx| all_new.write(tx, &batch, &[])).await;
        match done {
            Err(StoreError::Db(error)) if error.is_unique_violation() => {}
            done => return done,
        }
        let batch = Arc::clone(candidates);
        self.db
            .transaction("provision-log.append-known", move |tx| {
                let known = store::known_entries(tx, &batch)?;
                base.write(tx, &batch, &known)
            })
            .await
    }

    /// Moves the head to the batch that has become durable.
    fn advance(
        &mut self,
        head: &Head,
        batch: Batch,
        note: String,
    ) -> Result<Arc<Head>, AppendError> {
        let mut tree = head.tree.clone();
        if tree.commit(batch).is_err() {
            self.is_behind = true;
            return Err(AppendError::CommitUnknown);
        }
        let head = Arc::new(Head { tree, note });
        self.head.send_replace(Arc::clone(&head));
        Ok(head)
    }

    /// Reads the log again after its end became uncertain.
    async fn catch_up(&mut self) -> Result<(), AppendError> {
        let (keeper, old) = (self.keeper.clone(), Arc::clone(&self.head.borrow()));
        let found =
            self.db.read("provision-log.restore", move |tx| keeper.restore_after(tx, &old)).await;
        let is_contradicted = !matches!(&found, Ok(_) | Err(RestoreError::Db(_)));
        self.doubts.diverged.store(is_contradicted, Ordering::Relaxed);
        if is_contradicted {
            tracing::error!("the stored provision log is not what was signed; nothing is appended");
        }
        self.head.send_replace(Arc::new(found?));
        self.is_behind = false;
        Ok(())
    }
}

/// Whether the transaction may have been kept all the same, or another writer's was.
fn may_be_behind(error: &StoreError) -> bool {
    match error {
        StoreError::Behind => true,
        StoreError::Db(error) => {
            error.is_unique_violation() || matches!(error, DbError::CommitUnknown(_))
        }
        StoreError::Denied(_) | StoreError::Damaged => false,
    }
}

/// Milliseconds since 1970 by the given clock.
pub(crate) fn unix_ms(clock: &dyn Clock) -> i64 {
    let ms = clock.now().unix_timestamp_nanos() / 1_000_000;
    i64::try_from(ms).unwrap_or(i64::MAX)
}
