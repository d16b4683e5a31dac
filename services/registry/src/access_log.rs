//! The registry's own log: a Merkle tree of lines, one transaction with what they tell.
//!
//! All lines have one order: whoever writes holds the registry's lock.  What was written last is
//! compared with what this process knows before anything is added, so a log that was cut or changed
//! under a running registry takes no more lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::{Db, DbError, Tx, TxError};
use domain::Clock;
use ledger::{
    Batch, Checkpoint, Hash, Origin, ReadError, Signer, TILE_WIDTH, TileId, Tree, Verifier,
    leaf_hash, verify_consistency,
};
use service::{ApiError, problems};
use tokio::sync::Mutex;

use crate::access::Access;
use crate::store::{self, AccessRow};
use crate::verify_access_log::verify_access_log;

/// How long a line waits for those before it.
const TURN_MAX: Duration = Duration::from_secs(5);
/// How often the log is signed while it grows.
const SIGN: Duration = Duration::from_secs(60);

/// Why there is no line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LogError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the stored access log is not the one that was written")]
    Damaged,
}

impl TxError for LogError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Damaged => None,
        }
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Db(error) => error.into(),
            LogError::Damaged => Self::caused(&problems::UNAVAILABLE, error),
        }
    }
}

impl From<ReadError<LogError>> for LogError {
    fn from(error: ReadError<LogError>) -> Self {
        match error {
            ReadError::Store(error) => error,
            _ => Self::Damaged,
        }
    }
}

pub(crate) struct AccessLog {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    signer: Signer,
    /// As this process last saw it durable; one writes at a time.
    tree: Mutex<Tree>,
    is_damaged: AtomicBool,
}

impl AccessLog {
    pub(crate) fn new(db: Db, signer: Signer, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, signer, tree: Mutex::default(), is_damaged: AtomicBool::new(false) }
    }

    /// Whether something was found that is not as it was written; part of readiness.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    /// Does `work` under the registry's lock and adds the lines that tell of it: both or neither.
    ///
    /// `work` may run several times and decides before it writes: what it wrote is kept whatever it
    /// returns.
    pub(crate) async fn write<T, F>(&self, name: &'static str, work: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx) -> Result<(T, Vec<Access>), DbError> + Send + 'static,
    {
        let turn = tokio::time::timeout(TURN_MAX, self.tree.lock()).await;
        let mut tree = turn.map_err(|_| LogError::Db(DbError::Unavailable))?;
        let known = tree.clone();
        let staged = Arc::new(std::sync::Mutex::new(None));
        let slot = Arc::clone(&staged);
        let written = self.db.transaction(name, move |tx| {
            store::registry_lock(tx)?;
            let (value, lines) = work(tx)?;
            let batch = append(tx, &known, lines)?;
            if let Ok(mut slot) = slot.lock() {
                *slot = Some((value, batch));
            }
            Ok::<_, LogError>(())
        });
        let written = written.await;
        let staged = staged.lock().ok().and_then(|mut slot| slot.take());
        match (written, staged) {
            (Ok(()), Some((value, batch))) => {
                *tree = batch.tree().clone();
                Ok(value)
            }
            (Err(LogError::Db(error @ DbError::CommitUnknown(_))), Some((value, batch))) => {
                match self.was_kept(batch.tree()).await {
                    Some(true) => Ok(value),
                    Some(false) => Err(DbError::Unavailable.into()),
                    None => Err(error.into()),
                }
            }
            (Err(LogError::Damaged), _) => {
                self.is_damaged.store(true, Ordering::Relaxed);
                Err(LogError::Damaged)
            }
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(DbError::Unavailable.into()),
        }
    }

    /// Adds a line that tells of nothing but itself.
    pub(crate) async fn add(&self, line: Access) -> Result<(), LogError> {
        self.write("registry.access", move |_| Ok(((), vec![line.clone()]))).await
    }

    /// Whether the lines that made this tree are durable after all; absent if nobody can tell.
    pub(crate) async fn was_kept(&self, tree: &Tree) -> Option<bool> {
        let (size, root) = (tree.size(), tree.root());
        let asked = self.db.transaction("registry.access-kept", move |tx| {
            // A transaction that has not ended yet holds the lock.
            store::registry_lock(tx)?;
            let last = store::access_rows(tx, size.saturating_sub(1), size)?;
            Ok::<_, DbError>(last.iter().any(|row| row.has_root(root)))
        });
        asked.await.ok()
    }

    /// Reads where the log ends, once before anything is written.
    pub(crate) async fn open(&self) -> Result<(), LogError> {
        let mut tree = self.tree.lock().await;
        *tree = self.db.read("registry.access-open", |tx| current(tx, &Tree::new())).await?;
        Ok(())
    }

    /// Looks over the whole log once; before the start only the newest lines were.
    pub(crate) async fn check(&self, keys: &[Verifier]) {
        match verify_access_log(&self.db, keys).await {
            Ok(report) => {
                for damage in &report.damage {
                    tracing::error!(%damage, "the access log is damaged");
                    self.is_damaged.store(true, Ordering::Relaxed);
                }
            }
            Err(error) => tracing::warn!(%error, "the access log could not be looked over"),
        }
    }

    /// Signs what the log is now, if it has grown since.
    pub(crate) async fn sign(&self) {
        let tree = self.tree.lock().await.clone();
        let (size, root) = (tree.size(), tree.root());
        let origin = Origin::from(self.signer.verifier().name().clone());
        let note = Checkpoint { origin, size, root }.sign(&self.signer).to_string();
        let at = store::unix_ms(self.clock.now());
        let signed = self.db.transaction("registry.access-sign", move |tx| {
            store::registry_lock(tx)?;
            if store::access_checkpoint_newest(tx)? < size {
                store::access_checkpoint_insert(tx, size, at, &note)?;
            }
            Ok::<_, DbError>(())
        });
        if let Err(error) = signed.await {
            tracing::error!(%error, "the access log could not be signed");
        }
    }

    /// Signs the log as it grows, for as long as the process lives.
    pub(crate) async fn follow(&self) {
        loop {
            self.sign().await;
            tokio::time::sleep(SIGN).await;
        }
    }
}

/// Adds lines to the log as it is stored, which must continue the one that is known.
pub(crate) fn append(tx: &mut Tx, known: &Tree, lines: Vec<Access>) -> Result<Batch, LogError> {
    let tree = current(tx, known)?;
    let lines = (tree.size()..).zip(lines).map(|(sequence, line)| line.at(sequence));
    let mut rows = Vec::new();
    for line in lines {
        let body = serde_json::to_vec(&line).map_err(|_| LogError::Damaged)?;
        let seq = i64::try_from(line.sequence).map_err(|_| LogError::Damaged)?;
        rows.push(AccessRow { seq, municipality: line.concerns, body, root: None });
    }
    let batch = tree.stage(rows.iter().map(|row| leaf_hash(&row.body)));
    if let Some(last) = rows.last_mut() {
        last.root = Some(batch.tree().root().as_bytes().to_vec());
        store::access_insert(tx, &rows, batch.tiles())?;
    }
    Ok(batch)
}

/// The tree of the stored log; where others have written meanwhile, it is read again.
pub(crate) fn current(tx: &mut Tx, known: &Tree) -> Result<Tree, LogError> {
    let Some((size, root)) = store::access_tail(tx)? else {
        return if known.size() == 0 { Ok(Tree::new()) } else { Err(LogError::Damaged) };
    };
    let root = root.ok_or(LogError::Damaged)?;
    if (known.size(), known.root()) == (size, root) {
        return Ok(known.clone());
    }
    let tree = Tree::restore(size, root, |id, width| read(tx, id, width))?;
    let old = known.size();
    let proof = tree.consistency_proof(old, size, |id, width| read(tx, id, width))?;
    let continues = verify_consistency(old, known.root(), size, root, &proof);
    continues.map(|()| tree).map_err(|_| LogError::Damaged)
}

/// Full tiles are stored; the leaves after the last of them are hashed again from their lines.
pub(crate) fn read(tx: &mut Tx, id: TileId, width: usize) -> Result<Vec<Hash>, LogError> {
    if width == TILE_WIDTH {
        return store::access_tile(tx, id)?.ok_or(LogError::Damaged);
    }
    let first = id.index.saturating_mul(WIDTH);
    let rows = store::access_rows(tx, first, first.saturating_add(WIDTH))?;
    Ok(rows.iter().map(|row| leaf_hash(&row.body)).collect())
}

/// [`TILE_WIDTH`] as the log counts.
pub(crate) const WIDTH: u64 = 256;

impl AccessRow {
    pub(crate) fn has_root(&self, root: Hash) -> bool {
        self.root.as_deref() == Some(root.as_bytes().as_slice())
    }
}
