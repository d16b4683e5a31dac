//! The log as its handlers see it: a queue to the writer, the newest head, the database to read.

use std::sync::Arc;

use db::Db;
use domain::Clock;
use ledger::{Signer, Tree};
use service::metrics::Metrics;
use service::server::StartError;
use tokio::sync::{mpsc, watch};

use crate::config::Limits;
use crate::head::{Head, Keeper, RestoreError};
use crate::metrics::LogMetrics;
use crate::store;
use crate::writer::{Job, Writer, unix_ms};

/// Most entries of one batch: a proof of a new entry then never needs the database.
const BATCH_ENTRIES_MAX: usize = ledger::TILE_WIDTH;

/// The verbs are in [`append`](crate::append), `outcomes` and `proofs`; a clone is the same log.
#[derive(Clone, Debug)]
pub struct Log {
    pub(crate) db: Db,
    pub(crate) queue: mpsc::Sender<Job>,
    pub(crate) metrics: LogMetrics,
    head: watch::Receiver<Arc<Head>>,
    diverged: watch::Receiver<bool>,
}

impl Log {
    /// Finds the log in the database, or begins it, and refuses one that is not what was signed.
    /// Nothing is appended before [`Writer::run`] runs.
    pub async fn open(
        db: Db,
        signer: Signer,
        limits: Limits,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<(Self, Writer), StartError> {
        let keeper = Keeper::new(signer);
        let head = Arc::new(find_or_begin(&db, &keeper, unix_ms(clock.as_ref())).await?);
        let metrics = LogMetrics::new(metrics);
        let (queue, jobs) = mpsc::channel(limits.queue_entries_max.max(1));
        let (head, heads) = watch::channel(head);
        let (diverged, divergence) = watch::channel(false);
        let writer = Writer {
            db: db.clone(),
            keeper,
            clock,
            metrics: metrics.clone(),
            jobs,
            head,
            diverged,
            batch_entries_max: limits.batch_entries_max.clamp(1, BATCH_ENTRIES_MAX),
            is_behind: false,
            segment: None,
        };
        Ok((Self { db, queue, metrics, head: heads, diverged: divergence }, writer))
    }

    pub(crate) fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.borrow())
    }

    /// Whether entries can be taken in: the writer lives and finds the log it knows.
    pub(crate) fn is_writable(&self) -> bool {
        !self.queue.is_closed() && !*self.diverged.borrow()
    }
}

async fn find_or_begin(db: &Db, keeper: &Keeper, now_unix_ms: i64) -> Result<Head, StartError> {
    let keeping = keeper.clone();
    let found = db.read("provision-log.restore", move |tx| keeping.restore(tx)).await;
    if let Some(head) = found.map_err(refuse)? {
        return Ok(head);
    }
    let tree = Tree::new();
    let (checkpoint, note) = keeper.checkpoint(&tree);
    let head = Head { tree, note: note.clone() };
    db.transaction("provision-log.begin", move |tx| {
        store::insert_checkpoint(tx, &checkpoint, &note, now_unix_ms)
    })
    .await?;
    Ok(head)
}

fn refuse(error: RestoreError) -> StartError {
    StartError::Refused(match error {
        RestoreError::Db(error) => return error.into(),
        RestoreError::Unsigned(_) => {
            "the provision log's last checkpoint is not signed by the configured key and origin"
        }
        RestoreError::Unsealed => "the provision log has entries that no checkpoint speaks of",
        RestoreError::Damaged | RestoreError::Diverged => {
            "the stored provision log does not lead to its last checkpoint's root"
        }
    })
}
