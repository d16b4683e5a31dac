//! Brings the parts together: database, log, directory, listener.

use std::sync::Arc;

use db::Db;
use domain::{Clock, ServiceKind};
use service::Participants;
use service::config::RegistryConfig;
use service::health::Check;
use service::metrics::Metrics;
use service::participants::{Source, now_unix_s};
use service::server::{self, Running, Setup, StartError};
use wire::Client;
use wire::client::Deadlines;
use wire::tls::{Expected, TlsIdentity};

use crate::log::Log;
use crate::{Config, ENDPOINTS, MIGRATIONS, routes};

/// Starts the provision log; it is not ready before the directory has been fetched.
pub async fn start(
    config: Config,
    participants: &RegistryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    let identity = TlsIdentity::load(&config.tls)?;
    let opening = config.opening()?;
    let registry = Expected::any(ServiceKind::Registry);
    let client = Client::new(&identity, registry, &participants.url, Deadlines::default())?;
    let source = Source::new(client, participants)?;
    let db = Db::open(&config.database.service()?).await?;
    db.require_schema(&MIGRATIONS).await?;
    let metrics = Metrics::default();
    let (log, writer) = Log::open(db, opening, Arc::clone(&clock), &metrics).await?;
    let view = Participants::new(participants.stale_s_max);
    let setup = Setup {
        service: "provision-log",
        listen: config.listen,
        identity,
        endpoints: ENDPOINTS,
        participants: view.clone(),
        clock: Arc::clone(&clock),
        metrics,
        ready: ready(log.clone(), view.clone(), clock),
    };
    // The listener's end lets requests in flight end; they end when the writer has answered them.
    Ok(server::start(setup, routes::configure(log.clone(), view.clone()))?
        .with_background(tokio::spawn(source.follow(view)))
        .with_background(tokio::spawn(writer.run()))
        .with_background(tokio::spawn(log.clone().tend()))
        .with_ending(log.rest()))
}

fn ready(log: Log, participants: Participants, clock: Arc<dyn Clock>) -> Check {
    Arc::new(move || {
        let (log, participants, clock) = (log.clone(), participants.clone(), Arc::clone(&clock));
        Box::pin(async move {
            let mut causes = log.causes();
            if log.db.ping().await.is_err() {
                causes.push("database");
            }
            if participants.check(now_unix_s(clock.as_ref())).is_err() {
                causes.push("directory");
            }
            causes
        })
    })
}
