//! The log as its handlers see it: a queue to the writer, the newest head, the database to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use db::Db;
use domain::Clock;
use service::metrics::Metrics;
use service::server::StartError;
use tokio::sync::{Mutex, mpsc, watch};

use crate::config::Opening;
use crate::head::{Head, Keeper, RestoreError};
use crate::head_file::HeadFile;
use crate::metrics::LogMetrics;
use crate::rounds::Rounds;
use crate::store;
use crate::writer::{Job, Writer, unix_ms};

/// Most entries of one batch: a proof of a new entry then never needs the database.
const BATCH_ENTRIES_MAX: usize = ledger::TILE_WIDTH;

/// The verbs are in [`append`](crate::append), `outcomes`, `proofs`, `witness` and `orders`; a clone
/// is the same log.
#[derive(Clone)]
pub struct Log {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keeper: Keeper,
    pub(crate) queue: mpsc::Sender<Job>,
    pub(crate) metrics: LogMetrics,
    pub(crate) doubts: Arc<Doubts>,
    pub(crate) rounds: Arc<Rounds>,
    pub(crate) head_file: Arc<HeadFile>,
    /// Orders are judged and taken in one after the other.
    pub(crate) ordering: Arc<Mutex<()>>,
    head: watch::Receiver<Arc<Head>>,
}

/// Why nothing is taken in any more.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// The database contradicts what was signed.
    pub(crate) diverged: AtomicBool,
    /// A witness showed that the log has lost or changed what it had signed.
    pub(crate) objected: AtomicBool,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({} entries)", self.head().tree.size())
    }
}

impl Log {
    /// Finds the log in the database, or begins it, and refuses one that is not what was signed.
    /// Nothing is appended before [`Writer::run`] runs.
    pub async fn open(
        db: Db,
        opening: Opening,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<(Self, Writer), StartError> {
        let Opening { keys, head_file, witness, limits } = opening;
        let (keeper, head_file) = (Keeper::new(keys), Arc::new(HeadFile::new(head_file)));
        let now_unix_ms = unix_ms(clock.as_ref());
        let head = find_or_begin(&db, &keeper, &head_file, now_unix_ms).await?;
        let metrics = LogMetrics::new(metrics);
        let (queue, jobs) = mpsc::channel(limits.queue_entries_max.max(1));
        let rounds = Rounds::new(witness, now_unix_ms);
        let (head, heads) = watch::channel(head);
        let log = Self {
            db: db.clone(),
            clock: Arc::clone(&clock),
            keeper: keeper.clone(),
            queue,
            metrics: metrics.clone(),
            doubts: Arc::default(),
            rounds: Arc::new(rounds),
            head_file,
            ordering: Arc::default(),
            head: heads,
        };
        let writer = Writer {
            db,
            keeper,
            clock,
            metrics,
            jobs,
            head,
            doubts: Arc::clone(&log.doubts),
            batch_entries_max: limits.batch_entries_max.clamp(1, BATCH_ENTRIES_MAX),
            is_behind: false,
            segment: None,
        };
        Ok((log, writer))
    }

    pub(crate) fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.borrow())
    }

    pub(crate) fn now_unix_ms(&self) -> i64 {
        unix_ms(self.clock.as_ref())
    }

    /// What keeps the log from serving as it should; fixed words.
    pub(crate) fn causes(&self) -> Vec<&'static str> {
        let now = self.now_unix_ms();
        let Doubts { diverged, objected } = self.doubts.as_ref();
        let is_doubtful = diverged.load(Ordering::Relaxed) || objected.load(Ordering::Relaxed);
        let is_stopped = self.queue.is_closed() || is_doubtful;
        // Silence alone is an alarm (metric and error log); it takes the log away only by policy.
        [("writer", is_stopped), ("witness", self.rounds.stops(now))]
            .into_iter()
            .filter_map(|(cause, holds)| holds.then_some(cause))
            .collect()
    }
}

async fn find_or_begin(
    db: &Db,
    keeper: &Keeper,
    head_file: &HeadFile,
    now_unix_ms: i64,
) -> Result<Arc<Head>, StartError> {
    let keeping = keeper.clone();
    let found = db.read("provision-log.restore", move |tx| keeping.restore(tx)).await;
    let found = found.map_err(refuse)?;
    let is_signed = found.as_ref().is_some_and(|head| keeper.has_signed(&head.note));
    let mut head = Arc::new(found.unwrap_or_else(Head::empty));
    head_file.check(db, keeper, &head).await?;
    if !is_signed {
        // It begins, or goes on under another key.
        let (checkpoint, note) = keeper.checkpoint(&head.tree);
        let (tree, stored) = (head.tree.clone(), note.clone());
        db.transaction("provision-log.begin", move |tx| {
            store::insert_checkpoint(tx, &checkpoint, &stored, now_unix_ms)
        })
        .await?;
        head = Arc::new(Head { tree, note });
    }
    head_file.begin(&head.note)?;
    Ok(head)
}

pub(crate) fn refuse(error: RestoreError) -> StartError {
    StartError::Refused(match error {
        RestoreError::Db(error) => return error.into(),
        RestoreError::Unsigned(_) => {
            "the provision log's last checkpoint is not signed by the configured keys and origin"
        }
        RestoreError::Unsealed => "the provision log has entries that no checkpoint speaks of",
        RestoreError::Damaged | RestoreError::Diverged => {
            "the stored provision log does not lead to its last checkpoint's root"
        }
    })
}
