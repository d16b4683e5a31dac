//! Starts services in this process, in the order in which they call each other, and stops them in
//! the opposite order.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use domain::{Clock, ServiceKind};
use service::server::Running;

use crate::setup::{self, Plan};
use crate::story::site::Site;
use crate::{Failure, Settings, schema, services};

/// Services that run in this process.
#[derive(Debug)]
pub struct House {
    running: Vec<Running>,
    /// With the ports that were really taken.
    pub settings: Settings,
}

/// Where each service is reached.
#[derive(Clone, Debug)]
pub struct Addresses {
    registry: String,
    provision_log: String,
    broker: String,
    intake: String,
    partition: String,
}

impl House {
    /// Starts the named services; if one does not start, those already running stop again.
    pub async fn start(
        settings: Settings,
        kinds: &[ServiceKind],
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let mut house = Self { running: Vec::new(), settings };
        for kind in services::IN_ORDER.into_iter().filter(|kind| kinds.contains(kind)) {
            if let Err(failure) = house.start_one(kind, clock).await {
                house.stop().await;
                return Err(failure);
            }
        }
        Ok(house)
    }

    /// Starts one more service; one that was stopped comes back at the same address.
    pub async fn start_one(
        &mut self,
        kind: ServiceKind,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), Failure> {
        let running = start(&self.settings, kind, Arc::clone(clock)).await?;
        self.settings.learn(kind, running.address);
        self.running.push(running);
        Ok(())
    }

    /// Stops one service while the others go on.
    pub async fn stop_one(&mut self, kind: ServiceKind) {
        let place = self.running.iter().position(|one| one.service == kind.as_str());
        if let Some(place) = place {
            self.running.remove(place).stop().await;
        }
    }

    /// Writes `folder`, makes the databases and starts everything: a whole system for a test.
    pub async fn start_new(
        folder: &Path,
        plan: &Plan,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let layout = setup::write(folder, plan, clock.as_ref()).await?;
        let settings = Settings::load(&layout.settings())?;
        for kind in services::IN_ORDER {
            schema::migrate(&settings, kind).await?;
        }
        Self::start(settings, &services::IN_ORDER, clock).await
    }

    /// Which services run, and where.
    pub fn running(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.running.iter().map(|one| (one.service, one.address))
    }

    /// The demonstration's view of this house.
    pub fn site(&self) -> Site {
        Site::new(self.settings.clone())
    }

    /// Lets requests in flight end: callers stop before those they call.
    pub async fn stop(mut self) {
        while let Some(running) = self.running.pop() {
            running.stop().await;
        }
    }
}

async fn start(
    settings: &Settings,
    kind: ServiceKind,
    clock: Arc<dyn Clock>,
) -> Result<Running, Failure> {
    let participants = || settings.participants();
    let started = match kind {
        ServiceKind::Registry => registry::start(settings.registry()?.clone(), clock).await,
        ServiceKind::ProvisionLog => {
            provision_log::start(settings.provision_log()?.clone(), participants()?, clock).await
        }
        ServiceKind::Broker => {
            broker::start(settings.broker()?.clone(), participants()?, clock).await
        }
        ServiceKind::Intake => {
            intake::start(settings.intake()?.clone(), participants()?, clock).await
        }
        ServiceKind::Partition => {
            partition::start(settings.partition()?.clone(), participants()?, clock).await
        }
    };
    started.map_err(|source| Failure::Start { service: kind.as_str(), source })
}

impl Settings {
    /// A service that was to take any free port tells the others in this process which one it got.
    fn learn(&mut self, kind: ServiceKind, address: SocketAddr) {
        let Some(listen) = self.listen_mut(kind) else { return };
        if listen.address.port() != 0 {
            return;
        }
        listen.address = address;
        let url = url_of(address);
        match kind {
            ServiceKind::Registry => self.participants.iter_mut().for_each(|p| p.url = url.clone()),
            ServiceKind::ProvisionLog => {
                self.broker.iter_mut().for_each(|b| b.provision_log_url = url.clone());
                self.partition.iter_mut().for_each(|p| p.provision_log_url = url.clone());
            }
            ServiceKind::Broker => {
                self.partition.iter_mut().for_each(|p| p.broker_url = url.clone());
            }
            ServiceKind::Intake => {
                self.partition.iter_mut().for_each(|p| p.intake_url = Some(url.clone()));
            }
            ServiceKind::Partition => {}
        }
    }
}

impl Addresses {
    /// Where the services of this configuration are, seen from this machine.
    pub fn of(settings: &Settings) -> Self {
        let url = |kind| settings.listen(kind).map(|listen| url_of(listen.address));
        let registry = settings.participants.as_ref().map(|participants| participants.url.clone());
        let partition = settings.partition.as_ref();
        let broker = settings.broker.as_ref().map(|broker| &broker.provision_log_url);
        let log = broker.or(partition.map(|partition| &partition.provision_log_url)).cloned();
        let intake = partition.and_then(|partition| partition.intake_url.clone());
        let broker = partition.map(|partition| partition.broker_url.clone());
        Self {
            registry: registry.or(url(ServiceKind::Registry)).unwrap_or_default(),
            provision_log: url(ServiceKind::ProvisionLog).or(log).unwrap_or_default(),
            broker: url(ServiceKind::Broker).or(broker).unwrap_or_default(),
            intake: url(ServiceKind::Intake).or(intake).unwrap_or_default(),
            partition: url(ServiceKind::Partition).unwrap_or_default(),
        }
    }

    pub fn url(&self, kind: ServiceKind) -> &str {
        match kind {
            ServiceKind::Registry => &self.registry,
            ServiceKind::ProvisionLog => &self.provision_log,
            ServiceKind::Broker => &self.broker,
            ServiceKind::Intake => &self.intake,
            ServiceKind::Partition => &self.partition,
        }
    }
}

/// A listener on all interfaces is reached on this machine by loopback.
pub fn url_of(address: SocketAddr) -> String {
    let ip =
        if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("https://{}", SocketAddr::new(ip, address.port()))
}
