//! The one writer of a room: gathers waiting acts into one transaction with their log entries.
//!
//! While one transaction is committed, the next acts wait; they are then written together.  There
//! is no delay: a lone act is written at once.

use std::sync::Mutex;

use db::{Db, DbError, RoomKey, Tx, TxError as _};
use ledger::Tree;
use service::{ApiError, problems};
use tokio::sync::{mpsc, oneshot};

use crate::checkpoint::{Notary, Signed};
use crate::operation_log::{self, Line};
use crate::problems::OVERTAKEN;
use crate::store;

/// Acts are tried this often when another process writes to the same room.
const ATTEMPTS_MAX: u32 = 3;

/// What the acts of one transaction add to the room's operation log.
#[derive(Debug, Default)]
pub struct Acts {
    lines: Vec<Line>,
}

impl Acts {
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }
}

type Work = Box<dyn Fn(&mut Tx, &mut Acts) -> Result<(), ApiError> + Send>;

struct Job {
    work: Work,
    settled: oneshot::Sender<Result<(), ApiError>>,
}

/// The end of the queue that callers hold.
#[derive(Clone)]
pub struct Queue {
    jobs: mpsc::Sender<Job>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({} places)", self.jobs.capacity())
    }
}

impl Queue {
    /// Whether the room's writer still serves.
    pub fn is_served(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// Runs `work` in the room's next transaction; returns when it is durable.
    ///
    /// `work` may run several times, so it must only talk to the database.  Returning an error
    /// means that nothing of it is kept; "no" is a value, not an error.
    pub async fn write<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx, &mut Acts) -> Result<T, ApiError> + Send + 'static,
    {
        let output = std::sync::Arc::new(Mutex::new(None));
        let slot = std::sync::Arc::clone(&output);
        let work: Work = Box::new(move |tx, acts| {
            let value = work(tx, acts)?;
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(value);
            }
            Ok(())
        });
        let (settled, done) = oneshot::channel();
        let unavailable = || ApiError::new(&problems::UNAVAILABLE);
        self.jobs.try_send(Job { work, settled }).map_err(|_| unavailable())?;
        done.await.map_err(|_| ApiError::new(&problems::UNKNOWN_OUTCOME))??;
        output.lock().ok().and_then(|mut slot| slot.take()).ok_or_else(unavailable)
    }

    /// Adds a line that belongs to no other act.
    pub async fn add(&self, line: Line) -> Result<(), ApiError> {
        let work = move |_: &mut Tx, acts: &mut Acts| {
            acts.add(line.clone());
            Ok(())
        };
        self.write(work).await
    }
}

pub struct Writer {
    db: Db,
    room: RoomKey,
    /// Absent when the database may hold more than we know: it is read again first.
    tree: Option<Tree>,
    /// Signs the log; the instance's own one has no keys.
    notary: Option<Notary>,
    /// Another process has changed the room's keys, and acts may still hold the older ones.
    has_new_keys: bool,
    jobs: mpsc::Receiver<Job>,
    batch_acts_max: usize,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({} waiting)", self.jobs.len())
    }
}

impl Writer {
    pub fn new(
        db: Db,
        room: RoomKey,
        (queue_acts_max, batch_acts_max): (usize, usize),
    ) -> (Queue, Self) {
        let (sender, jobs) = mpsc::channel(queue_acts_max.max(1));
        let (tree, notary, has_new_keys) = (None, None, false);
        let writer = Self { db, room, tree, notary, has_new_keys, jobs, batch_acts_max };
        (Queue { jobs: sender }, writer)
    }

    /// Proves that the stored log continues what the room signed last, and goes on signing.
    pub async fn signing(mut self, notary: Notary) -> Result<Self, ApiError> {
        self.notary = Some(notary);
        let opened = tokio::task::spawn_blocking(move || {
            self.tree = Some(self.restore()?);
            Ok(self)
        });
        opened.await.map_err(|error| ApiError::caused(&problems::INTERNAL, error))?
    }

    /// Serves until the last queue is dropped.
    pub async fn run(mut self) {
        while let Some(first) = self.jobs.recv().await {
            let mut jobs = vec![first];
            while jobs.len() < self.batch_acts_max
                && let Ok(job) = self.jobs.try_recv()
            {
                jobs.push(job);
            }
            let written = tokio::task::spawn_blocking(move || {
                self.write(jobs);
                self
            });
            match written.await {
                Ok(writer) => self = writer,
                // The writer is lost with its thread: callers get "unavailable" from now on.
                Err(_) => return tracing::error!("room writer lost"),
            }
        }
    }

    fn write(&mut self, jobs: Vec<Job>) {
        match self.commit(&jobs) {
            Ok(()) => jobs.into_iter().for_each(|job| settle(job, Ok(()))),
            Err(error) if jobs.len() == 1 || error.is_database_away() => {
                let kind = error.kind();
                tracing::warn!(code = kind.code, acts = jobs.len(), "acts not written");
                let mut error = Some(error);
                for job in jobs {
                    let error = error.take().unwrap_or_else(|| ApiError::new(kind));
                    settle(job, Err(error));
                }
            }
            // One of them spoiled the transaction: each gets one of its own.  Not while the
            // database is away: each of them would wait in turn, or be done twice.
            Err(_) => {
                for job in jobs {
                    let result = self.commit(std::slice::from_ref(&job));
                    settle(job, result);
                }
            }
        }
    }

    /// Tries again where another process has written to the same room: our tree is then old.
    fn commit(&mut self, jobs: &[Job]) -> Result<(), ApiError> {
        for _ in 1..ATTEMPTS_MAX {
            match self.try_commit(jobs) {
                Err(error) if is_overtaken(&error) => self.expect_same_keys()?,
                done => return done,
            }
        }
        self.try_commit(jobs)
    }

    /// The other process may also have changed the room's keys: what these acts have sealed with
    /// the older ones must not be written.
    fn expect_same_keys(&mut self) -> Result<(), ApiError> {
        let Some(notary) = &self.notary else { return Ok(()) };
        match notary.ring().refresh() {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.has_new_keys = true;
                Err(ApiError::new(&problems::UNAVAILABLE))
            }
            Err(error) => Err(ApiError::caused(&problems::UNAVAILABLE, error)),
        }
    }

    /// After the end of a room nothing is written in it, and after another process has changed its
    /// keys nothing that was made with the older ones.
    fn expect_keys(&mut self) -> Result<(), ApiError> {
        let Some(notary) = &self.notary else { return Ok(()) };
        notary.ring().current()?;
        self.has_new_keys &= !notary.ring().is_settled();
        if self.has_new_keys { Err(ApiError::new(&problems::UNAVAILABLE)) } else { Ok(()) }
    }

    fn try_commit(&mut self, jobs: &[Job]) -> Result<(), ApiError> {
        self.expect_keys()?;
        let tree = match self.tree.take() {
            Some(tree) => tree,
            None => self.restore()?,
        };
        let name = "partition.acts";
        let written = self.db.room_transaction_blocking(name, self.room, |tx| {
            let mut acts = Acts::default();
            for job in jobs {
                (job.work)(tx, &mut acts)?;
            }
            // Acts without a line would not run into the other process's lines.
            if acts.lines.is_empty() && store::operation::size(tx, self.room)? != tree.size() {
                return Err(ApiError::new(&OVERTAKEN));
            }
            let bodies = operation_log::bodies(&acts.lines)?;
            let batch = tree.stage(bodies.iter().map(|body| ledger::leaf_hash(body)));
            store::operation::append(tx, self.room, bodies, &batch)?;
            let signed = self.notary.as_ref().map(|notary| notary.sign(batch.tree()));
            let signed = signed.transpose()?.flatten();
            if let Some((signed, note)) = &signed {
                store::operation::keep_checkpoint(tx, self.room, *signed, note)?;
            }
            Ok::<_, ApiError>((batch, acts, signed))
        });
        let (batch, acts, signed) = written?;
        acts.lines.iter().for_each(Line::is_durable);
        self.remember(signed.map(|(signed, _)| signed));
        let mut tree = tree;
        // What is durable must not be tried again, whatever the tree says.
        tree.commit(batch).map_err(|error| ApiError::caused(&problems::UNKNOWN_OUTCOME, error))?;
        self.tree = Some(tree);
        Ok(())
    }

    /// The tree as it is stored, if it continues what the room signed last.
    fn restore(&mut self) -> Result<Tree, ApiError> {
        let name = "partition.log-restore";
        let (tree, last, proof) = self.db.room_transaction_blocking(name, self.room, |tx| {
            let tree = store::operation::restore(tx, self.room)?;
            let last = store::operation::last_checkpoint(tx, self.room)?;
            let proof = match &last {
                Some((signed, _)) => {
                    store::operation::consistency(tx, self.room, (&tree, signed.size))?
                }
                None => Vec::new(),
            };
            Ok::<_, ApiError>((tree, last, proof))
        })?;
        if let (Some(notary), Some((_, note))) = (&self.notary, &last) {
            let altered = || ApiError::new(&crate::problems::ROOM_CLOSED);
            let signed = notary.open(note).ok_or_else(altered)?;
            let (size, root) = (tree.size(), tree.root());
            ledger::verify_consistency(signed.size, signed.root, size, root, &proof)
                .map_err(|_| altered())?;
        }
        self.remember(last.map(|(signed, _)| signed));
        Ok(tree)
    }

    fn remember(&mut self, signed: Option<Signed>) {
        if let (Some(notary), Some(signed)) = (&mut self.notary, signed) {
            notary.remember(signed);
        }
    }
}

/// Whether another process has written to the room meanwhile.
fn is_overtaken(error: &ApiError) -> bool {
    error.kind() == &OVERTAKEN || error.db_error().is_some_and(DbError::is_unique_violation)
}

fn settle(job: Job, result: Result<(), ApiError>) {
    // The asker may have gone; what is durable stays durable.
    let _ = job.settled.send(result);
}
