//! Partition instances beside the measured one, with the rooms of municipalities that are asked.

use std::sync::Arc;
use std::time::Duration;

use crypto::KeyStore;
use domain::municipalities::ended_municipality;
use domain::{Clock, MunicipalityCode, OperatorId, RequestId, Role, ServiceKind, TerminalId};
use screen::Screen;
use service::config::Secret;
use service::pki::Authority;
use uuid::Uuid;
use wire::registry::{
    DIRECTORY, Directory, MUNICIPALITIES, OPERATORS, RegisterMunicipality, RegisterOperator,
    RegisterTerminal, Signed, TERMINALS,
};
use wire::{Base64Bytes, PeerIdentity, WirePassword};

use crate::bench::ground::{Ground, register_all};
use crate::house::House;
use crate::story::cast::{Person, Town};
use crate::story::desk::Desk;
use crate::story::residents::Resident;
use crate::story::site::Passwords;
use crate::{Failure, Settings, schema};

const PUBLISHED_WAIT: Duration = Duration::from_millis(100);
const PUBLISHED_TRIES_MAX: u32 = 600;

pub(super) struct Sources {
    house: House,
    pub(super) towns: Vec<Town>,
    passwords: Passwords,
}

/// So many municipalities that the demonstration does not know.
pub(super) fn towns(count: usize) -> Result<Vec<Town>, Failure> {
    // The wards of Tōkyō and what would follow them, but not Adachi.
    let codes = (13_101..13_999_u32).flat_map(|head| (0..10).map(move |check| (head, check)));
    let codes =
        codes.filter_map(|(head, check)| MunicipalityCode::parse(&format!("{head}{check}")).ok());
    let codes =
        codes.filter(|code| code.as_str() != "131211" && ended_municipality(*code).is_none());
    let towns: Vec<Town> = codes.take(count).map(town).collect::<Result<_, _>>()?;
    let is_enough = towns.len() == count;
    is_enough.then_some(towns).ok_or(Failure::Claim("there are so many municipalities"))
}

fn town(code: MunicipalityCode) -> Result<Town, Failure> {
    let misspelt = |_| Failure::Cast(cast::Misspelt);
    let terminal = TerminalId::parse(&format!("terminal-{code}")).map_err(misspelt)?;
    let person = |job: &str, role| {
        let id = OperatorId::parse(&format!("{job}-{code}")).map_err(misspelt)?;
        let terminal = terminal.clone();
        Ok::<_, Failure>(Person { id, role, municipality: Some(code), terminal })
    };
    Ok(Town {
        name: "a source",
        code,
        clerk: person("clerk", Role::Clerk)?,
        supervisor: person("supervisor", Role::Supervisor)?,
        ledger: TerminalId::parse(&format!("ledger-{code}")).map_err(misspelt)?,
    })
}

impl Sources {
    /// Starts an instance with the rooms of these towns; everybody knows their keys when it returns.
    pub(super) async fn start(
        ground: &Ground,
        (instance, towns): (&str, &[Town]),
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let authority = Authority::open(&ground.site.layout.authority(), clock.as_ref())?;
        let settings = settings(ground, &authority, (instance, towns))?;
        // Of a database that is there; the new one is made beside it.
        let owner = ground.house.settings.partition()?.database.owner()?;
        let failed = |source| Failure::Database { service: "partition", source };
        if let Some(name) = ground.database(instance) {
            db::ensure_database(&owner, &name).await.map_err(failed)?;
        }
        schema::migrate(&settings, ServiceKind::Partition).await?;
        let house = House::start(settings, &[ServiceKind::Partition], clock).await?;
        let passwords = employ(ground, &authority, towns).await?;
        let sources = Self { house, towns: towns.to_vec(), passwords };
        sources.join(ground, instance).await?;
        Ok(sources)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Self, &Town)> {
        self.towns.iter().map(move |town| (self, town))
    }

    /// The directory says where the rooms are, with their keys.
    async fn join(&self, ground: &Ground, instance: &str) -> Result<(), Failure> {
        let url = self.house.site().addresses.url(ServiceKind::Partition).to_owned();
        let national = ground.desk(&ground.cast.national).await?;
        for town in &self.towns {
            let municipality = RegisterMunicipality {
                municipality: town.code,
                host: instance.to_owned(),
                url: url.clone(),
            };
            let done = national.registry::<serde_json::Value>(MUNICIPALITIES, &municipality).await;
            done.map_err(Failure::call("registering a municipality"))?;
        }
        let client = ground.site.client("partition", ServiceKind::Registry)?;
        for _ in 0..PUBLISHED_TRIES_MAX {
            let signed = client.get::<Signed>(DIRECTORY, &RequestId::make_random()).await;
            let signed = signed.map_err(Failure::call("reading the directory"))?;
            let directory = serde_json::from_str::<Directory>(&signed.body);
            let directory = directory.map_err(|_| Failure::Claim("a directory is JSON"))?;
            let has_keys = |town: &Town| {
                let mut known = directory.municipalities.iter();
                known.any(|one| one.municipality == town.code && !one.sealing_keys.is_empty())
            };
            if self.towns.iter().all(has_keys) {
                // Everybody else hears of it a little later.
                let poll_ms = ground.site.settings.participants()?.poll_ms;
                tokio::time::sleep(Duration::from_millis(4 * poll_ms)).await;
                return Ok(());
            }
            tokio::time::sleep(PUBLISHED_WAIT).await;
        }
        Err(Failure::TimedOut("publishing the keys of the sources"))
    }

    pub(super) async fn register(
        &self,
        ground: &Ground,
        town: &Town,
        (residents, screen): (&[Resident], Screen),
    ) -> Result<(), Failure> {
        // Where this instance is, with the files of the measured site.
        let mut site = ground.site.clone();
        site.addresses = self.house.site().addresses;
        let desk = Desk::log_in(&site, &town.clerk, &self.passwords).await?;
        register_all(desk, town, residents, screen).await.map(drop)
    }

    pub(super) async fn stop_serving(&mut self) {
        self.house.stop_one(ServiceKind::Partition).await;
    }

    pub(super) async fn serve_again(&mut self, clock: &Arc<dyn Clock>) -> Result<(), Failure> {
        self.house.start_one(ServiceKind::Partition, clock).await
    }

    pub(super) async fn stop(self) {
        self.house.stop().await;
    }
}

/// Terminals and clerks of these towns; the passwords of everybody come back.
async fn employ(
    ground: &Ground,
    authority: &Authority,
    towns: &[Town],
) -> Result<Passwords, Failure> {
    let national = ground.desk(&ground.cast.national).await?;
    let file = ground.site.layout.passwords();
    let mut passwords = std::fs::read_to_string(&file).map_err(Failure::file(&file))?;
    for town in towns {
        let identity = PeerIdentity::Terminal {
            municipality: Some(town.code),
            terminal: town.terminal().clone(),
        };
        let issued = authority.issue(&identity, &[], town.terminal().as_str())?;
        let terminal = RegisterTerminal {
            terminal: town.terminal().clone(),
            municipality: Some(town.code),
            thumbprint: Base64Bytes(issued.thumbprint.to_vec()),
        };
        let done = national.registry::<serde_json::Value>(TERMINALS, &terminal).await;
        done.map_err(Failure::call("registering a terminal"))?;
        let password = Uuid::new_v4().simple().to_string();
        passwords.push_str(&format!("{} = \"{password}\"\n", town.clerk.id));
        let operator = RegisterOperator {
            operator: town.clerk.id.clone(),
            municipality: town.clerk.municipality,
            role: town.clerk.role,
            password: WirePassword::new(password),
        };
        let done = national.registry::<serde_json::Value>(OPERATORS, &operator).await;
        done.map_err(Failure::call("registering an operator"))?;
    }
    std::fs::write(&file, passwords).map_err(Failure::file(&file))?;
    Passwords::load(&ground.site.layout)
}

/// Own certificate, own keys, own database; everything else is the measured instance's.
fn settings(
    ground: &Ground,
    authority: &Authority,
    (instance, towns): (&str, &[Town]),
) -> Result<Settings, Failure> {
    let mut settings = ground.house.settings.clone();
    let identity = PeerIdentity::service(ServiceKind::Partition, instance);
    let issued = authority.issue(&identity, &["localhost", "127.0.0.1"], instance)?;
    let keys = ground.site.layout.keys();
    let partition = settings.partition.as_mut().ok_or(Failure::NotConfigured("partition"))?;
    partition.listen.address.set_port(0);
    partition.tls = issued.files;
    partition.keys.key_encryption_key = keys.join(format!("{instance}-key-encryption-key"));
    partition.keys.folder = keys.join(format!("{instance}-rooms"));
    KeyStore::create(&partition.keys.key_encryption_key, &partition.keys.folder)?;
    partition.municipalities = towns.iter().map(|town| town.code).collect();
    let database = &mut partition.database;
    for secret in [Some(&mut database.url), database.owner_url.as_mut()].into_iter().flatten() {
        let url = match &*secret {
            Secret::Value(url) => url.clone(),
            Secret::File { file } => std::fs::read_to_string(file).map_err(Failure::file(file))?,
        };
        let url = url.replace("partition.db", &format!("{instance}.db"));
        let (ours, theirs) = (ground.database("partition"), ground.database(instance));
        *secret = Secret::Value(match (ours, theirs) {
            (Some(ours), Some(theirs)) => url.replace(&ours, &theirs),
            _ => url,
        });
    }
    Ok(settings)
}
