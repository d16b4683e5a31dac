//! A second partition instance, with a room and people of its own, so that the source can fail
//! while the asker does not.

use std::path::PathBuf;
use std::time::Duration;

use crypto::KeyStore;
use domain::{MunicipalityCode, OperatorId, RequestId, Role, ServiceKind, TerminalId};
use service::config::{DatabaseConfig, Secret};
use service::pki::Authority;
use watari::Settings;
use watari::house::House;
use watari::story::cast::{Person, Town};
use watari::story::desk::Desk;
use watari::story::site::Passwords;
use wire::registry::{
    DIRECTORY, Directory, DirectoryEntry, MUNICIPALITIES, OPERATORS, RegisterMunicipality,
    RegisterOperator, RegisterTerminal, Signed, TERMINALS,
};
use wire::{Base64Bytes, PeerIdentity, WirePassword};

use crate::support::{World, clock};

/// The instance's name in its certificate.
pub(super) const INSTANCE: &str = "second";

pub(super) struct Second {
    pub(super) house: House,
    pub(super) town: Town,
}

impl Second {
    /// Starts the instance, lets the nation register its municipality and waits until everybody
    /// knows its keys.
    pub(super) async fn start(world: &World, owner_url: Option<String>) -> Self {
        let town = chiyoda();
        let clock = clock();
        let authority = Authority::open(&world.site.layout.authority(), clock.as_ref()).unwrap();
        let settings = settings(world, &authority, &town, owner_url).await;
        watari::schema::migrate(&settings, ServiceKind::Partition).await.unwrap();
        let kinds = [ServiceKind::Partition];
        let house = House::start(settings, &kinds, &clock).await.unwrap();
        let second = Self { house, town };
        second.register_people(world, &authority).await;
        second.register_at(world, &second.url()).await;
        second
    }

    pub(super) fn url(&self) -> String {
        self.house.site().addresses.url(ServiceKind::Partition).to_owned()
    }

    pub(super) async fn stop(&mut self) {
        self.house.stop_one(ServiceKind::Partition).await;
    }

    pub(super) async fn start_again(&mut self) {
        let clock = clock();
        self.house.start_one(ServiceKind::Partition, &clock).await.unwrap();
    }

    pub(super) async fn desk(&self, person: &Person) -> Desk {
        let site = self.house.site();
        let passwords = Passwords::load(&site.layout).unwrap();
        Desk::log_in(&site, person, &passwords).await.unwrap()
    }

    /// Says in the directory where the room is reached, and waits until every service knows.
    pub(super) async fn register_at(&self, world: &World, url: &str) {
        let national = world.desk(&world.cast.national).await;
        let municipality = RegisterMunicipality {
            municipality: self.town.code,
            host: INSTANCE.to_owned(),
            url: url.to_owned(),
        };
        let done = national.registry::<serde_json::Value>(MUNICIPALITIES, &municipality).await;
        done.unwrap();
        let client = world.site.client("partition", ServiceKind::Registry).unwrap();
        for _ in 0..300 {
            let signed: Signed = client.get(DIRECTORY, &RequestId::make_random()).await.unwrap();
            let directory: Directory = serde_json::from_str(&signed.body).unwrap();
            let is_there = |one: &DirectoryEntry| {
                one.municipality == self.town.code && one.url == url && !one.sealing_keys.is_empty()
            };
            if directory.municipalities.iter().any(is_there) {
                let poll_ms = world.site.settings.participants().unwrap().poll_ms;
                return tokio::time::sleep(Duration::from_millis(4 * poll_ms)).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the second instance's keys are not in the directory");
    }

    async fn register_people(&self, world: &World, authority: &Authority) {
        let town = &self.town;
        let identity = PeerIdentity::Terminal {
            municipality: Some(town.code),
            terminal: town.terminal().clone(),
        };
        let issued = authority.issue(&identity, &[], town.terminal().as_str()).unwrap();
        let national = world.desk(&world.cast.national).await;
        let terminal = RegisterTerminal {
            terminal: town.terminal().clone(),
            municipality: Some(town.code),
            thumbprint: Base64Bytes(issued.thumbprint.to_vec()),
        };
        national.registry::<serde_json::Value>(TERMINALS, &terminal).await.unwrap();
        let file = world.site.layout.passwords();
        let mut passwords = std::fs::read_to_string(&file).unwrap();
        for person in [&town.clerk, &town.supervisor] {
            let password = uuid::Uuid::new_v4().simple().to_string();
            passwords.push_str(&format!("{} = \"{password}\"\n", person.id));
            let operator = RegisterOperator {
                operator: person.id.clone(),
                municipality: person.municipality,
                role: person.role,
                password: WirePassword::new(password),
            };
            national.registry::<serde_json::Value>(OPERATORS, &operator).await.unwrap();
        }
        std::fs::write(file, passwords).unwrap();
    }
}

/// Chiyoda, which the demonstration does not know.
fn chiyoda() -> Town {
    let code = MunicipalityCode::parse("131016").unwrap();
    let person = |id: &str, role| Person {
        id: OperatorId::parse(id).unwrap(),
        role,
        municipality: Some(code),
        terminal: TerminalId::parse("terminal-chiyoda").unwrap(),
    };
    Town {
        name: "Chiyoda",
        code,
        clerk: person("clerk-chiyoda", Role::Clerk),
        supervisor: person("supervisor-chiyoda", Role::Supervisor),
        ledger: TerminalId::parse("ledger-chiyoda").unwrap(),
    }
}

/// Own certificate, own keys, own database; everything else is the first instance's.
async fn settings(
    world: &World,
    authority: &Authority,
    town: &Town,
    owner_url: Option<String>,
) -> Settings {
    let mut settings = world.house.settings.clone();
    let identity = PeerIdentity::service(ServiceKind::Partition, INSTANCE);
    let issued = authority.issue(&identity, &["localhost", "127.0.0.1"], INSTANCE).unwrap();
    let database = database(world, owner_url).await;
    let partition = settings.partition.as_mut().unwrap();
    partition.listen.address = "127.0.0.1:0".parse().unwrap();
    partition.tls = issued.files;
    partition.database = database;
    partition.keys.key_encryption_key = key_encryption_key(world);
    partition.keys.folder = world.site.layout.keys().join("second-rooms");
    KeyStore::create(&partition.keys.key_encryption_key, &partition.keys.folder).unwrap();
    partition.municipalities = vec![town.code];
    settings
}

fn key_encryption_key(world: &World) -> PathBuf {
    world.site.layout.keys().join("second-key-encryption-key")
}

async fn database(world: &World, owner_url: Option<String>) -> DatabaseConfig {
    let mut database = world.site.settings.partition().unwrap().database.clone();
    let Some(server) = owner_url else {
        let file = world.site.layout.databases().join("second.db");
        database.url = Secret::Value(format!("sqlite:{}", file.display()));
        return database;
    };
    let name = format!("{}_second", world.prefix);
    db::ensure_database(&db::DbUrl::parse(&server).unwrap(), &name).await.unwrap();
    let (user_and_host, _) = server.rsplit_once('/').unwrap();
    let (_, host) = user_and_host.rsplit_once('@').unwrap();
    database.url = Secret::Value(format!("postgres://watari_partition@{host}/{name}"));
    database.owner_url = Some(Secret::Value(format!("{user_and_host}/{name}")));
    database
}
