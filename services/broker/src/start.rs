use std::sync::{Arc, Mutex};

use actix_web::web::Data;
use domain::{Clock, ServiceKind};
use service::Participants;
use service::config::RegistryConfig;
use service::metrics::Metrics;
use service::participants::Source;
use service::permissions::Permissions;
use service::server::{self, Running, Setup, StartError};
use wire::Client;
use wire::client::Deadlines;
use wire::tls::{Expected, TlsIdentity};

use crate::config::Config;
use crate::counters::Counters;
use crate::hosts::Hosts;
use crate::in_flight::InFlight;
use crate::mismatches::Mismatches;
use crate::permit::PermitKey;
use crate::rates::Rates;
use crate::state::Broker;
use crate::{readiness, routes};

/// Starts the broker; it is ready as soon as it has the directory and the log answers.
pub async fn start(
    config: Config,
    participants: &RegistryConfig,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    config.limits.check()?;
    let identity = TlsIdentity::load(&config.tls)?;
    let metrics = Metrics::default();
    let view = Participants::new(participants.stale_s_max);
    let broker = build(&config, &identity, &metrics, (view.clone(), Arc::clone(&clock)))?;
    let permissions = Arc::clone(&broker.permissions);
    let log = log_client(&config, &identity, readiness::DEADLINES)?;
    let setup = Setup {
        service: "broker",
        listen: config.listen,
        identity: identity.clone(),
        endpoints: routes::ENDPOINTS,
        participants: view.clone(),
        clock: Arc::clone(&clock),
        metrics,
        ready: readiness::check(view.clone(), clock, log),
    };
    let registry = Expected::any(ServiceKind::Registry);
    let client = Client::new(&identity, registry, &participants.url, Deadlines::default())?;
    let source = Source::new(client, participants)?;
    let broker = Data::new(broker);
    let running = server::start(setup, move |app| {
        app.app_data(broker.clone());
        routes::configure(app);
    })?;
    Ok(running
        .with_background(tokio::spawn(source.follow(view)))
        .with_background(tokio::spawn(permissions.follow())))
}

fn build(
    config: &Config,
    identity: &TlsIdentity,
    metrics: &Metrics,
    (participants, clock): (Participants, Arc<dyn Clock>),
) -> Result<Broker, StartError> {
    let limits = config.limits;
    let counters = Counters::register(metrics);
    let in_flight = InFlight::new(
        limits.in_flight_max,
        limits.in_flight_per_municipality_max,
        counters.in_flight.clone(),
    );
    Ok(Broker {
        limits,
        clock,
        participants,
        permissions: Permissions::load(config.permission_list.as_deref())?,
        permit_key: PermitKey::load(&config.permit_key, limits.permit_s_max)?,
        hosts: Hosts::new(identity.clone(), limits.source_deadlines()),
        log: log_client(config, identity, limits.log_deadlines())?,
        in_flight,
        rates: Mutex::new(Rates::new(
            limits.operators_max,
            limits.requests_per_s_max,
            limits.requests_burst_max,
        )),
        batch_rates: Mutex::new(Rates::new(
            limits.operators_max,
            limits.batch_requests_per_s_max,
            limits.batch_requests_burst_max,
        )),
        strangers: Mutex::new(Rates::new(
            limits.operators_max,
            limits.strangers_per_s_max,
            limits.strangers_burst_max,
        )),
        mismatches: Mutex::new(Mismatches::new(
            limits.operators_max,
            limits.mismatches_alert_at,
            limits.mismatches_block_at,
        )),
        counters,
    })
}

fn log_client(
    config: &Config,
    identity: &TlsIdentity,
    deadlines: Deadlines,
) -> Result<Client, StartError> {
    let expected = Expected::any(ServiceKind::ProvisionLog);
    Ok(Client::new(identity, expected, &config.provision_log_url, deadlines)?)
}
