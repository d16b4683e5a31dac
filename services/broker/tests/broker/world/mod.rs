//! A broker with everything around it played by small servers, over real mutual TLS.

pub(crate) mod log;
pub(crate) mod source;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Json, ServiceConfig, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker::{Config, Limits};
use crypto::{Purpose, SigningKey};
use domain::{
    Action, Clock as _, Confirmation, InquiryHeader, InquiryId, MunicipalityCode, OperatorId,
    RequestId, ServiceKind, SystemClock, TerminalId,
};
use service::config::{ListenConfig, RegistryConfig};
use service::health::{LIVE, METRICS, READY};
use service::metrics::Metrics;
use service::pki::Authority;
use service::server::{Running, Setup};
use service::{Endpoint, Participants};
use tempfile::TempDir;
use wire::broker::{BrokerAnswer, BrokerInquiry, INQUIRIES};
use wire::client::Deadlines;
use wire::registry::{self, Directory, DirectoryEntry, PublishedKey, Revocations, Signed};
use wire::tls::{Expected, TlsIdentity};
use wire::{CallError, Client, PeerIdentity, Problem};

use self::log::FakeLog;
use self::source::FakeSource;

pub(crate) const KORIYAMA: &str = "072036";
pub(crate) const ADACHI: &str = "131211";
pub(crate) const URUMA: &str = "472131";
/// A good code that no room has.
pub(crate) const NOBODY: &str = "092037";

pub(crate) struct World {
    pub(crate) log: FakeLog,
    /// Hosts Adachi as `p2`.
    pub(crate) adachi: FakeSource,
    /// Hosts Uruma as `p3`.
    pub(crate) uruma: FakeSource,
    /// Koriyama's signing key; its room is hosted by `p1`.
    pub(crate) koriyama: SigningKey,
    pub(crate) broker: Running,
    permit_key: SigningKey,
    authority: Authority,
    _registry: Running,
    _disk: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::build(limits, false).await
    }

    /// The directory's address of Adachi leads to Uruma's host.
    pub(crate) async fn with_adachi_at_uruma() -> Self {
        Self::build(Limits::default(), true).await
    }

    async fn build(limits: Limits, is_misled: bool) -> Self {
        let disk = tempfile::tempdir().unwrap();
        let authority = Authority::create(disk.path(), &SystemClock).unwrap();
        let log = FakeLog::start(&authority);
        let adachi = FakeSource::start(&authority, "p2");
        let uruma = FakeSource::start(&authority, "p3");
        let koriyama = SigningKey::make_random().unwrap();
        let directory = directory(vec![
            entry(KORIYAMA, "p1", "https://localhost:1", &koriyama),
            entry(ADACHI, "p2", if is_misled { &uruma.url } else { &adachi.url }, &koriyama),
            entry(URUMA, "p3", &uruma.url, &koriyama),
        ]);
        let (registry, registry_config) = start_registry(&authority, &directory);
        let (permit_file, tls) = (disk.path().join("permit.pem"), identity(&authority, "broker"));
        let permit_key = SigningKey::create(&permit_file).unwrap();
        let config = Config {
            listen: ListenConfig { workers: 1, ..ListenConfig::default() },
            tls,
            provision_log_url: log.url.clone(),
            permit_key: permit_file,
            permission_list: None,
            limits,
        };
        let broker = broker::start(config, &registry_config, Arc::new(SystemClock)).await.unwrap();
        let world = Self {
            log,
            adachi,
            uruma,
            koriyama,
            broker,
            permit_key,
            authority,
            _registry: registry,
            _disk: disk,
        };
        world.wait_until_ready().await;
        world
    }

    /// What a partition instance sees of the broker.
    pub(crate) fn client(&self, instance: &str) -> Client {
        let name = format!("caller-{}", uuid::Uuid::new_v4());
        let identity = PeerIdentity::service(ServiceKind::Partition, instance);
        let files = self.authority.issue(&identity, &["localhost"], &name).unwrap().files;
        let identity = TlsIdentity::load(&files).unwrap();
        let url = url(&self.broker);
        let expected = Expected::any(ServiceKind::Broker);
        Client::new(&identity, expected, &url, Deadlines::default()).unwrap()
    }

    pub(crate) async fn ask(&self, inquiry: &BrokerInquiry) -> Result<BrokerAnswer, CallError> {
        self.ask_as("p1", inquiry).await
    }

    pub(crate) async fn ask_as(
        &self,
        instance: &str,
        inquiry: &BrokerInquiry,
    ) -> Result<BrokerAnswer, CallError> {
        let request = RequestId::make_random();
        self.client(instance).post(INQUIRIES, &request, None, inquiry).await
    }

    /// An inquiry of Koriyama's, signed as it should be.
    pub(crate) fn inquiry(&self, provider: &str) -> BrokerInquiry {
        signed(&self.koriyama, header(provider))
    }

    pub(crate) fn permit_verifier(&self) -> jsonwebtoken::DecodingKey {
        jsonwebtoken::DecodingKey::from_ed_der(self.permit_key.verifying_key().as_bytes())
    }

    pub(crate) async fn readiness(&self) -> Result<String, CallError> {
        self.client("p1").get_text(READY.path, &RequestId::make_random()).await
    }

    async fn wait_until_ready(&self) {
        for _ in 0..100 {
            if self.readiness().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the broker does not become ready");
    }
}

/// The problem document of a call that did not succeed.
pub(crate) fn problem(answer: Result<BrokerAnswer, CallError>) -> Problem {
    answer.unwrap_err().problem().expect("a problem document").clone()
}

pub(crate) fn code(answer: Result<BrokerAnswer, CallError>) -> (u16, String) {
    let problem = problem(answer);
    (problem.status, problem.code)
}

pub(crate) fn header(provider: &str) -> InquiryHeader {
    InquiryHeader {
        inquiry: InquiryId::make_random(),
        inquirer: MunicipalityCode::parse(KORIYAMA).unwrap(),
        provider: MunicipalityCode::parse(provider).unwrap(),
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        items: "vaccination".to_owned(),
        confirmation: Confirmation::ResidentRegister,
        operator: OperatorId::parse("clerk-1").unwrap(),
        terminal: TerminalId::parse("terminal-1").unwrap(),
        asked_at_unix_s: SystemClock.now().unix_timestamp(),
    }
}

pub(crate) fn signed(key: &SigningKey, header: InquiryHeader) -> BrokerInquiry {
    let sealed = vec![7; 1_652];
    let message = BrokerInquiry::signed_bytes(&header, &sealed);
    let signature = STANDARD.decode(key.sign(Purpose::Inquiry, &message).encode()).unwrap();
    BrokerInquiry { header, sealed: sealed.into(), signature: signature.into() }
}

fn identity(authority: &Authority, name: &str) -> wire::tls::TlsFiles {
    let (kind, instance) = match name {
        "broker" => (ServiceKind::Broker, "main"),
        "registry" => (ServiceKind::Registry, "main"),
        "provision-log" => (ServiceKind::ProvisionLog, "main"),
        instance => (ServiceKind::Partition, instance),
    };
    let identity = PeerIdentity::service(kind, instance);
    authority.issue(&identity, &["localhost"], name).unwrap().files
}

pub(crate) fn url(running: &Running) -> String {
    format!("https://localhost:{}", running.address.port())
}

/// A server that plays a service: the real listener and gate, other handlers.
pub(crate) fn play(
    authority: &Authority,
    name: &'static str,
    endpoints: &'static [Endpoint],
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Running {
    let setup = Setup {
        service: name,
        listen: ListenConfig { workers: 1, shutdown_s_max: 1, ..ListenConfig::default() },
        identity: TlsIdentity::load(&identity(authority, name)).unwrap(),
        endpoints,
        participants: Participants::new(30),
        clock: Arc::new(SystemClock),
        metrics: Metrics::default(),
        ready: Arc::new(|| Box::pin(async { Vec::new() })),
    };
    service::server::start(setup, configure).unwrap()
}

fn published(key: Vec<u8>) -> Vec<PublishedKey> {
    let (not_before_unix_s, not_after_unix_s) = (0, i64::MAX);
    vec![PublishedKey { id: 1, key: key.into(), not_before_unix_s, not_after_unix_s }]
}

fn entry(code: &str, host: &str, url: &str, key: &SigningKey) -> DirectoryEntry {
    DirectoryEntry {
        municipality: MunicipalityCode::parse(code).unwrap(),
        host: host.to_owned(),
        url: url.to_owned(),
        sealing_keys: published(vec![0; 1_216]),
        signing_keys: published(key.verifying_key().as_bytes().to_vec()),
    }
}

fn directory(municipalities: Vec<DirectoryEntry>) -> Directory {
    let issued_at_unix_s = SystemClock.now().unix_timestamp();
    let expires_at_unix_s = issued_at_unix_s + 600;
    let (sequence, token_keys) = (1, Vec::new());
    Directory { sequence, issued_at_unix_s, expires_at_unix_s, municipalities, token_keys }
}

static REGISTRY: &[Endpoint] = &[
    Endpoint::get(registry::DIRECTORY, Action::ReadDirectory),
    Endpoint::get(registry::REVOCATIONS, Action::ReadRevocations),
    LIVE,
    READY,
    METRICS,
];

fn start_registry(authority: &Authority, directory: &Directory) -> (Running, RegistryConfig) {
    let key = SigningKey::make_random().unwrap();
    let sign = |purpose, body: String| {
        let signature = STANDARD.decode(key.sign(purpose, body.as_bytes()).encode()).unwrap();
        Data::new(Signed { body, signature: signature.into() })
    };
    let directory = sign(Purpose::Directory, serde_json::to_string(directory).unwrap());
    let revocations = Revocations {
        issued_at_unix_s: SystemClock.now().unix_timestamp(),
        ..Revocations::default()
    };
    let revocations = sign(Purpose::Revocations, serde_json::to_string(&revocations).unwrap());
    let running = play(authority, "registry", REGISTRY, move |app| {
        let (directory, revocations) = (directory.clone(), revocations.clone());
        let give = |signed: Data<Signed>| {
            get().to(move || {
                let signed = signed.clone();
                async move { Json(Signed::clone(&signed)) }
            })
        };
        app.route(registry::DIRECTORY, give(directory));
        app.route(registry::REVOCATIONS, give(revocations));
    });
    let config = RegistryConfig {
        url: url(&running),
        directory_key: key.verifying_key().encode(),
        poll_ms: 50,
        stale_s_max: 30,
    };
    (running, config)
}
