use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::ServiceKind;
use service::directory::Member;
use wire::Client;
use wire::client::Deadlines;
use wire::tls::{Expected, TlsError, TlsIdentity};

/// More partitions than a nation has; addresses that changed are forgotten beyond.
const CLIENTS_MAX: usize = 4_096;

/// Clients of partitions, one for each host at its address, kept with their connections.
#[derive(Debug)]
pub(crate) struct Hosts {
    identity: TlsIdentity,
    deadlines: Deadlines,
    clients: Mutex<HashMap<(String, String), Client>>,
}

impl Hosts {
    pub(crate) fn new(identity: TlsIdentity, deadlines: Deadlines) -> Self {
        Self { identity, deadlines, clients: Mutex::default() }
    }

    /// A client that talks to this very host and to nobody else, whoever listens at the address.
    pub(crate) fn client(&self, source: &Member) -> Result<Client, TlsError> {
        let place = (source.host.clone(), source.url.clone());
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&place) {
            return Ok(client.clone());
        }
        let instance = Some(source.host.clone());
        let expected = Expected { kind: ServiceKind::Partition, instance };
        let client = Client::new(&self.identity, expected, &source.url, self.deadlines)?;
        if clients.len() >= CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(place, client.clone());
        Ok(client)
    }
}
