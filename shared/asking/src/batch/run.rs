//! Asks the rows of every batch of this instance, in fair order, a few at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::fair_share::FairShare;
use domain::{Action, MunicipalityCode};
use room::operation_log::entry;
use room::store::batch::{Batch, Change};
use room::{Host, store};
use service::ApiError;
use tokio::task::{Id, JoinSet};
use uuid::Uuid;
use wire::batch::BatchState;

use super::lanes::{Lane, Next, Row};
use super::row::{After, Asked, ask};
use super::{Batches, about, expiry};

/// Rows of one source that are read at once.
const READ_ROWS: u16 = 32;
/// The loop rests at least so long where it has nothing to send.
const REST: Duration = Duration::from_millis(20);
const TROUBLE_S_MAX: u64 = 10;

/// A municipality's batch.
type Key = (MunicipalityCode, Uuid);

struct Running {
    batch: Arc<Batch>,
    pause_until: Option<Instant>,
    troubles: u32,
}

struct Runner {
    host: Arc<Host>,
    batches: Arc<Batches>,
    shares: FairShare<MunicipalityCode, Uuid, MunicipalityCode, Lane>,
    running: HashMap<Key, Running>,
    /// Some lane of these has run dry: perhaps they are done.
    idle: HashSet<Key>,
    asking: JoinSet<Asked>,
    /// What is put in the place of an inquiry that is lost.
    lost: HashMap<Id, Asked>,
    look_at: Instant,
    /// When it was last looked whose turn it is; what waits for a later moment is not due yet.
    turned_at: Instant,
}

/// Runs for as long as the service lives.
pub async fn run(host: Arc<Host>, batches: Arc<Batches>) {
    let mut runner = Runner {
        host,
        batches,
        shares: FairShare::default(),
        running: HashMap::new(),
        idle: HashSet::new(),
        asking: JoinSet::new(),
        lost: HashMap::new(),
        look_at: Instant::now(),
        turned_at: Instant::now(),
    };
    loop {
        runner.look().await;
        runner.send().await;
        runner.finish().await;
        runner.wait().await;
    }
}

impl Runner {
    /// Reads which batches run: of rooms that were spoken of, and now and then of all.
    async fn look(&mut self) {
        let mut rooms: HashSet<_> = self.batches.take_changed().into_iter().collect();
        if Instant::now() >= self.look_at {
            rooms.extend(self.host.open_rooms().map(|room| room.municipality));
            self.look_at =
                Instant::now() + Duration::from_secs(self.host.batch.look_every_s.max(1));
        }
        for municipality in rooms {
            if let Err(error) = self.look_in(municipality).await {
                let code = error.kind().code;
                tracing::warn!(code, %municipality, "the room's batches are not read");
            }
        }
    }

    async fn look_in(&mut self, municipality: MunicipalityCode) -> Result<(), ApiError> {
        let room = self.host.room(municipality)?;
        let permit = self.host.job(Action::RunJobs, &room)?;
        let read = |tx: &mut db::Tx, permit: &domain::Permit| {
            let found = store::batch::list(tx, permit, &[BatchState::Running])?;
            let with_sources = found.into_iter().map(|batch| {
                let sources = store::batch_row::providers(tx, permit, batch.id)?;
                Ok((batch, sources))
            });
            with_sources.collect::<Result<Vec<_>, ApiError>>()
        };
        let found = self.host.read("partition.batch-look", &permit, read).await?;
        let is_gone =
            |(of, id): &Key| *of == municipality && !found.iter().any(|(batch, _)| batch.id == *id);
        let gone: Vec<Key> = self.running.keys().copied().filter(is_gone).collect();
        gone.into_iter().for_each(|key| self.forget(key));
        for (batch, sources) in found {
            let key = (municipality, batch.id);
            for source in sources {
                let lane = self.shares.lane(municipality, batch.id, (source, Lane::default));
                lane.into_iter().for_each(Lane::look_again);
            }
            self.idle.insert(key);
            let fresh = Running { batch: Arc::new(batch), pause_until: None, troubles: 0 };
            match self.running.get_mut(&key) {
                Some(known) => known.batch = fresh.batch,
                None => drop(self.running.insert(key, fresh)),
            }
        }
        Ok(())
    }

    fn forget(&mut self, (municipality, batch): Key) {
        self.running.remove(&(municipality, batch));
        self.idle.remove(&(municipality, batch));
        self.shares.remove(&municipality, &batch);
    }

    /// Sends rows until as many are under way as may be.
    async fn send(&mut self) {
        while self.asking.len() < self.host.batch.rows_max {
            let Some((key, source, next)) = self.turn() else { return };
            let row = match next {
                Next::Row(row) => Ok(Some(row)),
                Next::Unread => self.fill(key, source).await,
            };
            match row {
                Ok(Some(row)) => self.spawn(key, source, row),
                Ok(None) => drop(self.idle.insert(key)),
                Err(_) => self.pause(key, None),
            }
        }
    }

    /// Whose turn it is, and what that lane has to give.
    fn turn(&mut self) -> Option<(Key, MunicipalityCode, Next)> {
        let now = Instant::now();
        self.turned_at = now;
        let rows_max = self.host.batch.source_rows_max.max(1);
        let (running, sources) = (&self.running, self.batches.sources());
        self.shares.turn(|(municipality, batch, source), lane| {
            let key = (*municipality, *batch);
            let pause_until = running.get(&key)?.pause_until;
            let is_free = pause_until.is_none_or(|until| now >= until);
            if !is_free || !sources.may_ask(*source, now, rows_max) {
                return None;
            }
            Some((key, *source, lane.next()?))
        })
    }

    /// Reads the next rows of a lane, and gives the first of them.
    async fn fill(
        &mut self,
        (municipality, batch): Key,
        source: MunicipalityCode,
    ) -> Result<Option<Row>, ApiError> {
        let room = self.host.room(municipality)?;
        let permit = self.host.job(Action::RunJobs, &room)?;
        let after = self.shares.find(&municipality, &batch, &source).map_or(0, |lane| lane.after);
        let read = move |tx: &mut db::Tx, permit: &domain::Permit| {
            store::batch_row::waiting(tx, permit, (batch, source), (after, READ_ROWS))
        };
        let rows = self.host.read("partition.batch-rows", &permit, read).await?;
        let Some(lane) = self.shares.find(&municipality, &batch, &source) else { return Ok(None) };
        lane.fill(rows, READ_ROWS);
        Ok(match lane.next() {
            Some(Next::Row(row)) => Some(row),
            Some(Next::Unread) | None => None,
        })
    }

    fn spawn(&mut self, key: Key, source: MunicipalityCode, row: Row) {
        let Some(running) = self.running.get(&key) else { return };
        self.batches.sources().begin(source);
        let (host, batch) = (Arc::clone(&self.host), Arc::clone(&running.batch));
        let (municipality, batch_id) = key;
        let after = After::Fault;
        let lost = Asked { municipality, batch: batch_id, source, row: row.clone(), after };
        let asking = self.asking.spawn(ask(host, batch, (municipality, source), row));
        self.lost.insert(asking.id(), lost);
    }

    /// Takes note of how a row has ended.
    async fn end(&mut self, asked: Asked) {
        let Asked { municipality, batch, source, row, after } = asked;
        let now = (Instant::now(), self.host.now_unix_ms());
        let retry_s_max = self.host.batch.retry_s_max;
        self.batches.sources().end((source, after.heard()), now, retry_s_max);
        let key = (municipality, batch);
        let comes_back = !matches!(after, After::Ended(_));
        if let Some(lane) = self.shares.find(&municipality, &batch, &source) {
            lane.back(comes_back.then_some(row));
            if lane.is_idle() {
                self.idle.insert(key);
            }
        }
        match after {
            After::Ended(_) => {
                self.running.get_mut(&key).into_iter().for_each(|running| running.troubles = 0);
            }
            After::Silent | After::Fault => {}
            After::Trouble(wait_s) => self.pause(key, wait_s),
            After::NotRunning => self.forget(key),
            After::Stop(code) => {
                if self.stop(key, code).await.is_err() {
                    self.pause(key, None);
                }
            }
        }
    }

    /// Leaves a batch alone for a while, longer each time.
    fn pause(&mut self, key: Key, wait_s: Option<u64>) {
        let Some(running) = self.running.get_mut(&key) else { return };
        let now = Instant::now();
        // Rows that were under way together have met one trouble.
        if running.pause_until.is_none_or(|until| now >= until) {
            let own_s = 1_u64.checked_shl(running.troubles).unwrap_or(u64::MAX);
            let wait_s = wait_s.unwrap_or(own_s.min(TROUBLE_S_MAX));
            running.troubles = running.troubles.saturating_add(1);
            running.pause_until = Some(now + Duration::from_secs(wait_s));
        }
    }

    /// Nothing more is asked until the submitter starts it once more.
    async fn stop(&mut self, key: Key, code: &'static str) -> Result<(), ApiError> {
        let (host, (municipality, batch)) = (&self.host, key);
        let room = host.room(municipality)?;
        let permit = host.job(Action::RunJobs, &room)?;
        let change = Change {
            stopped_because: Some(Some(code.to_owned())),
            expires_at_unix_ms: Some(expiry(host)),
            ..Change::default()
        };
        room.queue
            .write(move |tx, acts| {
                let step = (batch, BatchState::Running, BatchState::Stopped);
                if store::batch::advance(tx, &permit, step, &change)? {
                    let said = format!("batch stopped: {code}");
                    acts.add(entry(&permit, about(batch), &said));
                }
                Ok(())
            })
            .await?;
        self.forget(key);
        Ok(())
    }

    /// Ends batches of which no row waits any more.
    async fn finish(&mut self) {
        for key in self.idle.clone() {
            let (municipality, batch) = key;
            let is_staged = self.running.get(&key).is_some_and(|one| one.batch.is_staged());
            let is_idle = self.shares.lanes(&municipality, &batch).all(|lane| lane.is_idle());
            self.idle.remove(&key);
            if !is_staged || !is_idle {
                continue;
            }
            match self.finish_one(key).await {
                Ok(true) => self.forget(key),
                // Something waits that no lane knows of: read it all again.
                Ok(false) => {
                    self.forget(key);
                    self.batches.wake(municipality);
                }
                Err(_) => self.batches.wake(municipality),
            }
        }
    }

    async fn finish_one(&self, (municipality, batch): Key) -> Result<bool, ApiError> {
        let host = &self.host;
        let room = host.room(municipality)?;
        let permit = host.job(Action::RunJobs, &room)?;
        let change = Change {
            finished_at_unix_ms: Some(host.now_unix_ms()),
            expires_at_unix_ms: Some(expiry(host)),
            ..Change::default()
        };
        room.queue
            .write(move |tx, acts| {
                if !store::batch_row::providers(tx, &permit, batch)?.is_empty() {
                    return Ok(false);
                }
                let step = (batch, BatchState::Running, BatchState::Done);
                if store::batch::advance(tx, &permit, step, &change)? {
                    acts.add(entry(&permit, about(batch), "batch done"));
                }
                Ok(true)
            })
            .await
    }

    /// Until a row ends, somebody calls, or a pause is over.
    async fn wait(&mut self) {
        let mut until = self.look_at;
        if !self.running.is_empty() && self.asking.len() < self.host.batch.rows_max {
            let pauses = self.running.values().filter_map(|running| running.pause_until);
            let pauses = pauses.filter(|pause| *pause > self.turned_at);
            let retry = self.batches.sources().next_retry(self.turned_at);
            until = pauses.chain(retry).min().unwrap_or(until).min(until);
        }
        let until = until.max(Instant::now() + REST);
        let batches = Arc::clone(&self.batches);
        let ended = tokio::select! {
            Some(ended) = self.asking.join_next_with_id() => Some(ended),
            () = batches.woken.notified() => None,
            () = tokio::time::sleep_until(until.into()) => None,
        };
        match ended {
            Some(Ok((id, asked))) => {
                self.lost.remove(&id);
                self.end(asked).await;
            }
            Some(Err(error)) => {
                // Where it broke was written by then; what a panic says may hold a value.
                tracing::error!("a row's inquiry was lost");
                if let Some(lost) = self.lost.remove(&error.id()) {
                    self.end(lost).await;
                }
            }
            None => {}
        }
    }
}
