use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use db::{Db, DbConfig, DbError, RoomKey};
use tokio::task::JoinSet;

use super::ground::Ground;
use super::load::{Times, Window};
use super::store::{Sample, open_segment};
use crate::Failure;
use crate::story::cast::Town;

/// PostgreSQL lets in 100 connections unless told otherwise; the services need theirs too.
const CONNECTIONS_MAX: usize = 40;

/// The databases' part of inquiries, done again without the services.
pub(super) struct Replay {
    sample: Arc<Sample>,
    partition: DbConfig,
    log: DbConfig,
    room: RoomKey,
    next: Arc<AtomicI64>,
}

impl Replay {
    /// Takes its values from the inquiries made so far, of which there must be one; writes into
    /// Uruma's room and into a log of its own.
    pub(super) async fn prepare(ground: &Ground) -> Result<Self, Failure> {
        let partition = ground.site.settings.partition()?.database.service()?;
        let log = ground.scratch.provision_log()?.database.service()?;
        let real_log = ground.site.settings.provision_log()?.database.service()?;
        let cast = &ground.cast;
        let room = room(&cast.uruma)?;
        let rooms = [self::room(&cast.koriyama)?, self::room(&cast.adachi)?, room];
        let sample = async {
            open_segment(&Db::open(&log).await?).await?;
            Sample::read(&Db::open(&partition).await?, &Db::open(&real_log).await?, rooms).await
        };
        let sample = Arc::new(sample.await.map_err(failed)?);
        Ok(Self { sample, partition, log, room, next: Arc::default() })
    }

    /// As many threads as clients, each waiting for every commit.
    pub(super) async fn run(&self, clients: usize, length: Duration) -> Result<Times, Failure> {
        let connections = u32::try_from(clients.min(CONNECTIONS_MAX)).unwrap_or(1);
        let open = async |config: &DbConfig| {
            let config = DbConfig { connections_max: connections, ..config.clone() };
            Db::open(&config).await.map_err(failed)
        };
        let (partition, log) = (open(&self.partition).await?, open(&self.log).await?);
        let window = Window::after_warm_up(length);
        let mut threads = JoinSet::new();
        for _ in 0..clients {
            let (sample, next, room) =
                (Arc::clone(&self.sample), Arc::clone(&self.next), self.room);
            let (partition, log, mut times) = (partition.clone(), log.clone(), Times::new()?);
            threads.spawn_blocking(move || {
                while window.is_open() {
                    let (nth, begun) = (next.fetch_add(1, Ordering::Relaxed), Instant::now());
                    match sample.replay(&partition, &log, (room, nth)) {
                        Ok(()) => times.keep(window, begun),
                        Err(_) => times.errors += 1,
                    }
                }
                times
            });
        }
        let mut all = Times::new()?;
        while let Some(done) = threads.join_next().await {
            all.add(&done.map_err(|_| Failure::Interrupted)?);
        }
        Ok(all)
    }
}

fn room(town: &Town) -> Result<RoomKey, Failure> {
    RoomKey::parse(town.code.as_str()).map_err(|_| Failure::Claim("a code is a room's key"))
}

fn failed(source: DbError) -> Failure {
    Failure::Database { service: "the replay", source }
}
