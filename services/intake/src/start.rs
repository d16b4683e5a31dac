//! Brings the parts together: database, directory, listener.

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

use crate::{Config, ENDPOINTS, MIGRATIONS, routes};

/// Starts the intake; it is not ready before the directory has been fetched.
pub async fn start(
    config: Config,
    participants: &RegistryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    let identity = TlsIdentity::load(&config.tls)?;
    let registry = Expected::any(ServiceKind::Registry);
    let client = Client::new(&identity, registry, &participants.url, Deadlines::default())?;
    let source = Source::new(client, participants)?;
    let db = Db::open(&config.database.service()?).await?;
    db.require_schema(&MIGRATIONS).await?;
    let metrics = Metrics::default();
    let view = Participants::new(participants.stale_s_max);
    let setup = Setup {
        service: "intake",
        listen: config.listen,
        identity,
        endpoints: ENDPOINTS,
        participants: view.clone(),
        clock: Arc::clone(&clock),
        metrics,
        ready: ready(db, view.clone(), clock),
    };
    Ok(server::start(setup, routes::configure())?
        .with_background(tokio::spawn(source.follow(view))))
}

fn ready(db: Db, participants: Participants, clock: Arc<dyn Clock>) -> Check {
    Arc::new(move || {
        let (db, participants, clock) = (db.clone(), participants.clone(), Arc::clone(&clock));
        Box::pin(async move {
            let mut causes = Vec::new();
            if db.ping().await.is_err() {
                causes.push("database");
            }
            if participants.check(now_unix_s(clock.as_ref())).is_err() {
                causes.push("directory");
            }
            causes
        })
    })
}
