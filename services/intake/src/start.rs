//! Brings the parts together: database, directory, listener.

use std::sync::{Arc, Mutex};

use db::{Db, DbError};
use domain::{Clock, ServiceKind};
use service::Participants;
use service::config::RegistryConfig;
use service::health::Check;
use service::metrics::Metrics;
use service::participants::{Source, now_unix_s};
use service::server::{self, Running, Setup, StartError};
use tokio::sync::{Semaphore, mpsc};
use wire::Client;
use wire::client::Deadlines;
use wire::intake::SEND_MAX;
use wire::tls::{Expected, TlsIdentity};

use crate::intake::Intake;
use crate::metrics::IntakeMetrics;
use crate::rates::Rates;
use crate::waiting::Waiting;
use crate::writer::Writer;
use crate::{Config, ENDPOINTS, Limits, MIGRATIONS, routes, store};

/// Starts the intake; it is not ready before the directory has been fetched.
pub async fn start(
    config: Config,
    participants: &RegistryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    let identity = TlsIdentity::load(&config.tls)?;
    let registry = Expected::any(ServiceKind::Registry);
    let client = Client::new(&identity, registry, &participants.url, Deadlines::default())?;
    let source = Source::new(client.clone(), participants)?;
    let db = Db::open(&config.database.service()?).await?;
    db.require_schema(&MIGRATIONS).await?;
    let metrics = Metrics::default();
    let view = Participants::new(participants.stale_s_max);
    let numbers = IntakeMetrics::new(&metrics);
    let waiting = Waiting::default();
    waiting.count(&db).await.map_err(|_| DbError::Unavailable)?;
    let last_seq = db.read("intake.last", store::last_seq).await;
    let last_seq = last_seq.map_err(|_| DbError::Unavailable)?;
    let limits = config.limits;
    let places = limits.queue_captures_max.clamp(SEND_MAX, Semaphore::MAX_PERMITS);
    let (jobs, waiting_jobs) = mpsc::channel(places);
    let Limits { captures_per_s_max, captures_burst_max, devices_remembered_max, .. } = limits;
    let rates = Rates::new(devices_remembered_max, captures_per_s_max, captures_burst_max);
    let writer = Writer {
        db: db.clone(),
        jobs: waiting_jobs,
        batch_captures_max: limits.batch_captures_max,
        last_seq,
        metrics: numbers.clone(),
    };
    let intake = Intake {
        db: db.clone(),
        jobs,
        places: Arc::new(Semaphore::new(places)),
        rates: Arc::new(Mutex::new(rates)),
        waiting: waiting.clone(),
        limits,
        participants: view.clone(),
        registry: client,
        relayed: Arc::default(),
        metrics: numbers.clone(),
    };
    let setup = Setup {
        service: "intake",
        listen: config.listen,
        identity,
        endpoints: ENDPOINTS,
        participants: view.clone(),
        clock: Arc::clone(&clock),
        metrics,
        ready: ready(intake.clone(), clock),
    };
    Ok(server::start(setup, routes::configure(intake))?
        .with_background(tokio::spawn(source.follow(view)))
        .with_background(tokio::spawn(waiting.follow(db, numbers)))
        .with_background(tokio::spawn(writer.run())))
}

fn ready(intake: Intake, clock: Arc<dyn Clock>) -> Check {
    Arc::new(move || {
        let (intake, clock) = (intake.clone(), Arc::clone(&clock));
        Box::pin(async move {
            let mut causes = Vec::new();
            if intake.db.ping().await.is_err() {
                causes.push("database");
            }
            if intake.participants.check(now_unix_s(clock.as_ref())).is_err() {
                causes.push("directory");
            }
            if intake.jobs.is_closed() {
                causes.push("writer");
            }
            causes
        })
    })
}
