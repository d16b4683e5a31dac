//! More towns and people than the demonstration has: two towns on a partition instance of their own,
//! which can be away while the others are not, and second supervisors.

use std::time::Duration;

use crypto::KeyStore;
use domain::{MunicipalityCode, OperatorId, RequestId, Role, ServiceKind, TerminalId};
use serde_json::Value;
use service::config::{DatabaseConfig, Secret};
use service::pki::Authority;
use watari::Settings;
use watari::house::House;
use watari::story::cast::Person;
use watari::story::desk::Desk;
use watari::story::site::Passwords;
use wire::registry::{
    DIRECTORY, Directory, MUNICIPALITIES, OPERATORS, RegisterMunicipality, RegisterOperator,
    RegisterTerminal, Signed, TERMINALS,
};
use wire::{Base64Bytes, PeerIdentity, WirePassword};

use crate::support::{Engine, World, clock, postgres_url};

const INSTANCE: &str = "second";

/// A town's clerk and two supervisors.
pub(super) struct Staff {
    pub(super) code: MunicipalityCode,
    pub(super) clerk: Person,
    pub(super) supervisors: [Person; 2],
}

pub(super) struct Towns {
    pub(super) world: World,
    /// The second instance, which hosts Chiyoda and Utsunomiya.
    pub(super) second: House,
    pub(super) chiyoda: Staff,
    pub(super) utsunomiya: Staff,
    pub(super) adachi: Staff,
}

impl Towns {
    /// Notices are tried again every second.
    pub(super) async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| ()).await
    }

    pub(super) async fn start_with(engine: Engine, change: impl FnOnce(&mut Settings)) -> Self {
        let hasty = |settings: &mut Settings| {
            let partition = settings.partition.as_mut().unwrap();
            partition.limits.notices_every_s = 1;
            partition.limits.notice_retry_s_max = 1;
            change(settings);
        };
        let world = World::start_with(engine, hasty).await;
        let (chiyoda, utsunomiya) = (staff("131016", "chiyoda"), staff("092011", "utsunomiya"));
        let clock = clock();
        let authority = Authority::open(&world.site.layout.authority(), clock.as_ref()).unwrap();
        let codes = vec![chiyoda.code, utsunomiya.code];
        let settings = settings(&world, &authority, codes).await;
        watari::schema::migrate(&settings, ServiceKind::Partition).await.unwrap();
        let kinds = [ServiceKind::Partition];
        let second = House::start(settings, &kinds, &clock).await.unwrap();
        let cast = &world.cast.adachi;
        let other = Person {
            id: OperatorId::parse("supervisor-adachi-2").unwrap(),
            ..cast.supervisor.clone()
        };
        let adachi = Staff {
            code: cast.code,
            clerk: cast.clerk.clone(),
            supervisors: [cast.supervisor.clone(), other],
        };
        let towns = Self { world, second, chiyoda, utsunomiya, adachi };
        for town in [&towns.chiyoda, &towns.utsunomiya] {
            towns.register(&authority, town).await;
        }
        towns.employ(&towns.adachi.supervisors[1]).await;
        towns.wait_for_keys().await;
        towns
    }

    pub(super) async fn stop(self) {
        self.second.stop().await;
        self.world.house.stop().await;
    }

    pub(super) async fn desk(&self, person: &Person) -> Desk {
        let is_second = [self.chiyoda.code, self.utsunomiya.code]
            .iter()
            .any(|code| person.municipality == Some(*code));
        let site = if is_second { self.second.site() } else { self.world.site.clone() };
        let passwords = Passwords::load(&site.layout).unwrap();
        Desk::log_in(&site, person, &passwords).await.unwrap()
    }

    pub(super) async fn stop_second(&mut self) {
        self.second.stop_one(ServiceKind::Partition).await;
    }

    pub(super) async fn start_second(&mut self) {
        self.second.start_one(ServiceKind::Partition, &clock()).await.unwrap();
    }

    async fn register(&self, authority: &Authority, town: &Staff) {
        let terminal = town.clerk.terminal.clone();
        let identity =
            PeerIdentity::Terminal { municipality: Some(town.code), terminal: terminal.clone() };
        let issued = authority.issue(&identity, &[], terminal.as_str()).unwrap();
        let national = self.world.desk(&self.world.cast.national).await;
        let municipality = RegisterMunicipality {
            municipality: town.code,
            host: INSTANCE.to_owned(),
            url: self.second.site().addresses.url(ServiceKind::Partition).to_owned(),
        };
        let thumbprint = Base64Bytes(issued.thumbprint.to_vec());
        let terminal = RegisterTerminal { terminal, municipality: Some(town.code), thumbprint };
        national.registry::<Value>(MUNICIPALITIES, &municipality).await.unwrap();
        national.registry::<Value>(TERMINALS, &terminal).await.unwrap();
        let [one, other] = &town.supervisors;
        for person in [&town.clerk, one, other] {
            self.employ(person).await;
        }
    }

    async fn employ(&self, person: &Person) {
        let national = self.world.desk(&self.world.cast.national).await;
        let file = self.world.site.layout.passwords();
        let mut passwords = std::fs::read_to_string(&file).unwrap();
        let password = uuid::Uuid::new_v4().simple().to_string();
        passwords.push_str(&format!("{} = \"{password}\"\n", person.id));
        std::fs::write(file, passwords).unwrap();
        let operator = RegisterOperator {
            operator: person.id.clone(),
            municipality: person.municipality,
            role: person.role,
            password: WirePassword::new(password),
        };
        national.registry::<Value>(OPERATORS, &operator).await.unwrap();
    }

    async fn wait_for_keys(&self) {
        let client = self.world.site.client("partition", ServiceKind::Registry).unwrap();
        for _ in 0..300 {
            let signed: Signed = client.get(DIRECTORY, &RequestId::make_random()).await.unwrap();
            let directory: Directory = serde_json::from_str(&signed.body).unwrap();
            let with_keys = directory
                .municipalities
                .iter()
                .filter(|one| one.host == INSTANCE && !one.sealing_keys.is_empty());
            if with_keys.count() == 2 {
                let poll_ms = self.world.site.settings.participants().unwrap().poll_ms;
                return tokio::time::sleep(Duration::from_millis(4 * poll_ms)).await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the second instance's keys are not in the directory");
    }
}

fn staff(code: &str, name: &str) -> Staff {
    let code = MunicipalityCode::parse(code).unwrap();
    let person = |id: String, role| Person {
        id: OperatorId::parse(&id).unwrap(),
        role,
        municipality: Some(code),
        terminal: TerminalId::parse(&format!("terminal-{name}")).unwrap(),
    };
    Staff {
        code,
        clerk: person(format!("clerk-{name}"), Role::Clerk),
        supervisors: [1, 2].map(|n| person(format!("supervisor-{name}-{n}"), Role::Supervisor)),
    }
}

/// Own certificate, own keys, own database; everything else is the first instance's.
async fn settings(
    world: &World,
    authority: &Authority,
    municipalities: Vec<MunicipalityCode>,
) -> Settings {
    let mut settings = world.house.settings.clone();
    let identity = PeerIdentity::service(ServiceKind::Partition, INSTANCE);
    let issued = authority.issue(&identity, &["localhost", "127.0.0.1"], INSTANCE).unwrap();
    let database = database(world).await;
    let keys = world.site.layout.keys();
    let partition = settings.partition.as_mut().unwrap();
    partition.listen.address = "127.0.0.1:0".parse().unwrap();
    partition.tls = issued.files;
    partition.database = database;
    partition.keys.key_encryption_key = keys.join("second-key-encryption-key");
    partition.keys.folder = keys.join("second-rooms");
    KeyStore::create(&partition.keys.key_encryption_key, &partition.keys.folder).unwrap();
    partition.municipalities = municipalities;
    settings
}

async fn database(world: &World) -> DatabaseConfig {
    let mut database = world.site.settings.partition().unwrap().database.clone();
    if world.engine == Engine::Sqlite {
        let file = world.site.layout.databases().join("second.db");
        database.url = Secret::Value(format!("sqlite:{}", file.display()));
        return database;
    }
    let server = postgres_url();
    let name = format!("{}_second", world.prefix);
    db::ensure_database(&db::DbUrl::parse(&server).unwrap(), &name).await.unwrap();
    let (user_and_host, _) = server.rsplit_once('/').unwrap();
    let (_, host) = user_and_host.rsplit_once('@').unwrap();
    database.url = Secret::Value(format!("postgres://watari_partition@{host}/{name}"));
    database.owner_url = Some(Secret::Value(format!("{user_and_host}/{name}")));
    database
}
