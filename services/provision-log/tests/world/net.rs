//! The real listener with certificates of a private authority, and a registry that signs a
//! directory of two rooms.

use std::sync::Arc;

use actix_web::web::{Json, get};
use diesel::prelude::*;
use domain::{Action, MunicipalityCode, RequestId, ServiceKind, SystemClock, TerminalId};
use provision_log::{Config, Limits, MIGRATIONS, WitnessConfig};
use service::config::{DatabaseConfig, ListenConfig, RegistryConfig, Secret};
use service::metrics::Metrics;
use service::pki::Authority;
use service::server::{self, Running, Setup};
use service::{Endpoint, Participants};
use tempfile::TempDir;
use time::OffsetDateTime;
use wire::client::Deadlines;
use wire::provision_log::{ListOutcomes, OUTCOMES_LIST, Outcomes};
use wire::registry::{
    DIRECTORY, Directory, DirectoryEntry, PublishedKey, REVOCATIONS, Revocations, Signed,
};
use wire::tls::{Expected, TlsIdentity};
use wire::{Client, PeerIdentity};

static REGISTRY_ENDPOINTS: [Endpoint; 2] = [
    Endpoint::get(DIRECTORY, Action::ReadDirectory),
    Endpoint::get(REVOCATIONS, Action::ReadRevocations),
];

pub(crate) struct Net {
    pub(crate) log: Running,
    pub(crate) signing_key: std::path::PathBuf,
    /// The signing keys of the municipalities' rooms.
    pub(crate) rooms: Rooms,
    config: Config,
    participants: RegistryConfig,
    registry: Running,
    authority: Authority,
    folder: TempDir,
}

pub(crate) type Rooms = std::collections::BTreeMap<&'static str, crypto::SigningKey>;

impl Net {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let authority = Authority::create(folder.path(), &SystemClock).unwrap();
        let key = crypto::SigningKey::make_random().unwrap();
        let rooms: Rooms = ["131211", "072036", "472131"]
            .map(|code| (code, crypto::SigningKey::make_random().unwrap()))
            .into();
        let registry = start_registry(&authority, &key, &rooms);
        let participants = RegistryConfig {
            url: url(&registry),
            directory_key: key.verifying_key().encode(),
            poll_ms: 100,
            stale_s_max: 30,
        };
        let database = format!("sqlite:{}", path("log.db").display());
        db::migrate(&db::DbUrl::parse(&database).unwrap(), &MIGRATIONS).await.unwrap();
        crypto::SigningKey::create(&path("log.pem")).unwrap();
        let mut config = Config {
            listen: ListenConfig { workers: 1, ..ListenConfig::default() },
            tls: identity_files(&authority, ServiceKind::ProvisionLog),
            database: DatabaseConfig {
                url: Secret::Value(database),
                owner_url: None,
                connections_max: 4,
                pool_wait_ms_max: 5_000,
            },
            origin: super::ORIGIN.to_owned(),
            signing_key: path("log.pem"),
            overlapping_key: None,
            former_verifiers: Vec::new(),
            custodians: Vec::new(),
            head_file: path("log.head"),
            witness: WitnessConfig { round_s: 1, ..WitnessConfig::default() },
            limits: Limits::default(),
        };
        change(&mut config);
        let clock = Arc::new(SystemClock);
        let log = provision_log::start(config.clone(), &participants, clock).await.unwrap();
        let signing_key = path("log.pem");
        let net =
            Self { log, signing_key, rooms, config, participants, registry, authority, folder };
        net.wait_until_ready().await;
        net
    }

    pub(crate) fn service(&self, kind: ServiceKind, instance: &str) -> Client {
        self.client(&PeerIdentity::service(kind, instance), &format!("{kind}-{instance}"))
    }

    pub(crate) fn terminal(&self, municipality: &str) -> Client {
        let identity = PeerIdentity::Terminal {
            municipality: Some(MunicipalityCode::parse(municipality).unwrap()),
            terminal: TerminalId::parse("t-1").unwrap(),
        };
        self.client(&identity, municipality)
    }

    pub(crate) fn url(&self) -> String {
        url(&self.log)
    }

    /// The bare client, for what is neither JSON nor text.
    pub(crate) fn http(&self, name: &str) -> reqwest::Client {
        let identity = TlsIdentity::load(&self.authority.files(name)).unwrap();
        let expected = Expected::any(ServiceKind::ProvisionLog);
        #[expect(clippy::disallowed_methods, reason = "the house's client reads no bytes")]
        reqwest::Client::builder()
            .tls_backend_preconfigured(identity.client_config(expected).unwrap())
            .build()
            .unwrap()
    }

    fn client(&self, identity: &PeerIdentity, name: &str) -> Client {
        let issued = self.authority.issue(identity, &["127.0.0.1"], name).unwrap();
        let identity = TlsIdentity::load(&issued.files).unwrap();
        let expected = Expected::any(ServiceKind::ProvisionLog);
        Client::new(&identity, expected, &self.url(), Deadlines::default()).unwrap()
    }

    /// Asks for what needs the directory; witnesses may be missing.
    async fn wait_until_ready(&self) {
        let east = PeerIdentity::service(ServiceKind::Partition, "east");
        let client = self.client(&east, "readiness");
        let wanted = ListOutcomes { municipality: super::code("131211"), from_index: 0, limit: 1 };
        for _ in 0..100 {
            let request = RequestId::make_random();
            let listed = client.post::<Outcomes>(OUTCOMES_LIST, &request, None, &wanted).await;
            if listed.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("not ready within five seconds");
    }

    pub(crate) async fn stop(self) -> Left {
        self.log.stop().await;
        self.registry.stop().await;
        let Self { rooms, config, participants, folder, .. } = self;
        Left { rooms, config, participants, _folder: folder }
    }
}

/// What a stopped log leaves behind.
pub(crate) struct Left {
    pub(crate) rooms: Rooms,
    config: Config,
    participants: RegistryConfig,
    _folder: TempDir,
}

impl Left {
    /// The entries in the log's order.
    pub(crate) async fn bodies(&self) -> Vec<Vec<u8>> {
        use super::entry;
        let load = |tx: &mut db::Tx| entry::table.order(entry::seq).select(entry::body).load(tx);
        self.read(load).await
    }

    /// Sizes and notes of the cosigned checkpoints.
    pub(crate) async fn cosigned(&self) -> Vec<(i64, String)> {
        use super::cosigned;
        self.read(|tx| cosigned::table.select((cosigned::size, cosigned::note)).load(tx)).await
    }

    /// A log that starts stays, for the moment of the test.
    pub(crate) async fn start_again(&self) -> Result<(), server::StartError> {
        let clock = Arc::new(SystemClock);
        let started = provision_log::start(self.config.clone(), &self.participants, clock).await;
        started.map(drop)
    }

    async fn read<T: Send + 'static>(
        &self,
        load: impl Fn(&mut db::Tx) -> QueryResult<T> + Send + 'static,
    ) -> T {
        let db = db::Db::open(&self.config.database.service().unwrap()).await.unwrap();
        db.read("test.left", move |tx| Ok::<_, db::DbError>(load(tx)?)).await.unwrap()
    }
}

fn url(running: &Running) -> String {
    format!("https://127.0.0.1:{}", running.address.port())
}

fn identity_files(authority: &Authority, kind: ServiceKind) -> wire::tls::TlsFiles {
    let identity = PeerIdentity::service(kind, "main");
    authority.issue(&identity, &["127.0.0.1"], kind.as_str()).unwrap().files
}

fn start_registry(authority: &Authority, key: &crypto::SigningKey, rooms: &Rooms) -> Running {
    let now = domain::Clock::now(&SystemClock);
    let directory = sign(key, crypto::Purpose::Directory, &directory(now, rooms));
    let revocations =
        Revocations { issued_at_unix_s: now.unix_timestamp(), ..Revocations::default() };
    let revocations = sign(key, crypto::Purpose::Revocations, &revocations);
    let setup = Setup {
        service: "registry",
        listen: ListenConfig { workers: 1, ..ListenConfig::default() },
        identity: TlsIdentity::load(&identity_files(authority, ServiceKind::Registry)).unwrap(),
        endpoints: &REGISTRY_ENDPOINTS,
        participants: Participants::new(30),
        clock: Arc::new(SystemClock),
        metrics: Metrics::default(),
        ready: Arc::new(|| Box::pin(async { Vec::new() })),
    };
    server::start(setup, move |config| {
        let (directory, revocations) = (directory.clone(), revocations.clone());
        config
            .route(DIRECTORY, get().to(move || std::future::ready(Json(directory.clone()))))
            .route(REVOCATIONS, get().to(move || std::future::ready(Json(revocations.clone()))));
    })
    .unwrap()
}

/// Adachi's room is at `east`, Koriyama's and Uruma's at `north`.
fn directory(now: OffsetDateTime, rooms: &Rooms) -> Directory {
    let entry = |(code, host): (&str, &str)| DirectoryEntry {
        municipality: MunicipalityCode::parse(code).unwrap(),
        host: host.to_owned(),
        url: "https://127.0.0.1:1".to_owned(),
        sealing_keys: Vec::new(),
        signing_keys: vec![PublishedKey {
            id: 1,
            key: rooms[code].verifying_key().as_bytes().to_vec().into(),
            not_before_unix_s: 0,
            not_after_unix_s: i64::MAX,
        }],
    };
    Directory {
        sequence: 1,
        issued_at_unix_s: now.unix_timestamp(),
        expires_at_unix_s: now.unix_timestamp() + 3_600,
        municipalities: [("131211", "east"), ("072036", "north"), ("472131", "north")]
            .map(entry)
            .into(),
        token_keys: Vec::new(),
    }
}

fn sign<T: serde::Serialize>(
    key: &crypto::SigningKey,
    purpose: crypto::Purpose,
    document: &T,
) -> Signed {
    let body = serde_json::to_string(document).unwrap();
    let signature = key.sign(purpose, body.as_bytes()).encode();
    let signature = serde_json::from_value(signature.into()).unwrap();
    Signed { body, signature }
}
