//! A registry behind its real listener, with a national operator and two municipalities' people.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]
#![expect(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod caller;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::{KeyStore, SigningKey, VerifyingKey};
use db::test_support::TestDb;
use domain::{
    Clock, FixedClock, MunicipalityCode, OperatorId, Role, ServiceKind, SystemClock, TerminalId,
};
use registry::{Config, FirstOperator, Limits, MIGRATIONS, ROLE, TokenKeyConfig, bootstrap_in};
use service::pki::{Authority, Issued};
use service::server::{Running, StartError};
use tempfile::TempDir;
use wire::client::Deadlines;
use wire::registry::{
    self as paths, AccessLine, Directory, PublishedKey, RegisterMunicipality, RegisterOperator,
    RegisterTerminal, Revocations, Signed,
};
use wire::tls::{Expected, TlsIdentity};
use wire::{Client, PeerIdentity, WirePassword};

use self::caller::Caller;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const NATIONAL: &str = "national";
pub(crate) const ADACHI: &str = "131211";
pub(crate) const KORIYAMA: &str = "072036";

pub(crate) struct World {
    pub(crate) t: TestDb,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) config: Config,
    pub(crate) directory_key: VerifyingKey,
    pub(crate) running: Running,
    authority: Authority,
    folder: TempDir,
}

/// One world on each engine: "run the test on both".
pub(crate) async fn each() -> Vec<World> {
    each_with(Limits::default()).await
}

pub(crate) async fn each_with(limits: Limits) -> Vec<World> {
    let mut worlds = Vec::new();
    for t in TestDb::each(&MIGRATIONS, ROLE).await {
        worlds.push(World::new(t, limits.clone()).await);
    }
    worlds
}

/// Adachi and Koriyama take part, each with terminal `t` and one clerk.
pub(crate) async fn settled() -> Vec<World> {
    let worlds = each().await;
    for w in &worlds {
        w.settle(ADACHI, "clerk-adachi").await;
        w.settle(KORIYAMA, "clerk-koriyama").await;
    }
    worlds
}

impl World {
    /// The nation can log in; nothing else is registered.
    pub(crate) async fn new(t: TestDb, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(SystemClock.now()));
        let authority = Authority::create(folder.path(), &SystemClock).unwrap();
        let server = PeerIdentity::service(ServiceKind::Registry, "main");
        let server = authority.issue(&server, &["127.0.0.1"], "registry").unwrap();
        let nation = issue_terminal(&authority, None, "national-1");
        let first = FirstOperator {
            operator: operator(NATIONAL),
            password: password(PASSWORD),
            terminal: TerminalId::parse("national-1").unwrap(),
            thumbprint: nation.thumbprint,
        };
        bootstrap_in(&t.db, first, clock.as_ref()).await.unwrap();
        let directory_file = folder.path().join("directory-key.pem");
        let directory_key = SigningKey::create(&directory_file).unwrap().verifying_key();
        SigningKey::create(&folder.path().join("token-key.pem")).unwrap();
        let config = config(folder.path(), server, limits, clock.now().unix_timestamp());
        let running =
            registry::start_in(t.db.clone(), config.clone(), clock.clone()).await.unwrap();
        Self { t, clock, config, directory_key, running, authority, folder }
    }

    /// As after a restart.
    pub(crate) async fn restart(self, config: Config) -> Self {
        self.running.stop().await;
        let running =
            registry::start_in(self.t.db.clone(), config.clone(), self.clock.clone()).await;
        Self { running: running.unwrap(), config, ..self }
    }

    /// The same world, asked through another process.
    pub(crate) fn turn_to(self, other: Running) -> (Running, Self) {
        (self.running, Self { running: other, ..self })
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().unix_timestamp()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn issue(&self, place: Option<&str>, terminal: &str) -> Issued {
        issue_terminal(&self.authority, place, terminal)
    }

    /// A caller with the certificate that was issued under `name`.
    pub(crate) fn at(&self, name: &str) -> Caller {
        self.caller(&self.authority.issued(name).unwrap())
    }

    pub(crate) fn service(&self, kind: ServiceKind, instance: &str) -> Caller {
        let name = format!("{kind}-{instance}");
        let issued = self.authority.issued(&name).ok().unwrap_or_else(|| {
            let identity = PeerIdentity::service(kind, instance);
            self.authority.issue(&identity, &["127.0.0.1"], &name).unwrap()
        });
        self.caller(&issued)
    }

    fn caller(&self, issued: &Issued) -> Caller {
        let identity = TlsIdentity::load(&issued.files).unwrap();
        let url = format!("https://{}", self.running.address);
        let expected = Expected::any(ServiceKind::Registry);
        let client = Client::new(&identity, expected, &url, Deadlines::default()).unwrap();
        Caller { client, thumbprint: issued.thumbprint, token: None }
    }

    pub(crate) async fn nation(&self) -> Caller {
        self.at("000000-national-1").logged_in(NATIONAL).await
    }

    /// Registers municipality, terminal `<code>-t` and operator.
    pub(crate) async fn settle(&self, place: &str, clerk: &str) {
        let nation = self.nation().await;
        let request = RegisterMunicipality {
            municipality: code(place),
            host: "main".to_owned(),
            url: "https://127.0.0.1:1".to_owned(),
        };
        nation.change(paths::MUNICIPALITIES, &request).await.unwrap();
        let issued = self.issue(Some(place), "t");
        nation.change(paths::TERMINALS, &terminal(Some(place), "t", &issued)).await.unwrap();
        nation.change(paths::OPERATORS, &clerk_of(place, clerk)).await.unwrap();
    }

    /// The directory and revocations as a service gets them, verified.
    pub(crate) async fn directory(&self) -> Directory {
        let signed: Signed = self.service(ServiceKind::Broker, "main").get(paths::DIRECTORY).await;
        service::participants::verify(&self.directory_key, crypto::Purpose::Directory, &signed)
            .unwrap()
    }

    pub(crate) async fn revocations(&self) -> Revocations {
        let broker = self.service(ServiceKind::Broker, "main");
        let signed: Signed = broker.get(paths::REVOCATIONS).await;
        service::participants::verify(&self.directory_key, crypto::Purpose::Revocations, &signed)
            .unwrap()
    }

    /// The access log, oldest first, as it is stored.
    pub(crate) async fn access_log(&self) -> Vec<AccessLine> {
        access_log(&self.t).await
    }

    pub(crate) async fn stop(self) -> Stopped {
        self.running.stop().await;
        let Self { t, clock, config, directory_key, authority, folder, .. } = self;
        Stopped { t, clock, config, directory_key, authority, folder }
    }
}

/// A world whose registry does not run.
pub(crate) struct Stopped {
    pub(crate) t: TestDb,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) config: Config,
    directory_key: VerifyingKey,
    authority: Authority,
    pub(crate) folder: TempDir,
}

impl Stopped {
    pub(crate) async fn access_log(&self) -> Vec<AccessLine> {
        access_log(&self.t).await
    }

    /// A registry on what is there, or why it does not start.
    pub(crate) async fn try_start(&self) -> Result<Running, StartError> {
        registry::start_in(self.t.db.clone(), self.config.clone(), self.clock.clone()).await
    }

    pub(crate) async fn start(self) -> World {
        let running = self.try_start().await.unwrap();
        let Self { t, clock, config, directory_key, authority, folder } = self;
        World { t, clock, config, directory_key, running, authority, folder }
    }
}

async fn access_log(t: &TestDb) -> Vec<AccessLine> {
    let read = |tx: &mut db::Tx| {
        use diesel::prelude::*;
        let rows = access_log::table.order(access_log::seq).select(access_log::body);
        Ok::<Vec<Vec<u8>>, db::DbError>(rows.load(tx)?)
    };
    let bodies = t.db.read("test.access_log", read).await.unwrap();
    bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
}

diesel::table! {
    access_log (seq) {
        seq -> BigInt,
        body -> Binary,
    }
}

pub(crate) fn code(text: &str) -> MunicipalityCode {
    MunicipalityCode::parse(text).unwrap()
}

pub(crate) fn operator(text: &str) -> OperatorId {
    OperatorId::parse(text).unwrap()
}

pub(crate) fn password(text: &str) -> WirePassword {
    WirePassword::new(text.to_owned())
}

pub(crate) fn terminal(place: Option<&str>, id: &str, issued: &Issued) -> RegisterTerminal {
    RegisterTerminal {
        terminal: TerminalId::parse(id).unwrap(),
        municipality: place.map(code),
        thumbprint: issued.thumbprint.to_vec().into(),
    }
}

pub(crate) fn clerk_of(place: &str, id: &str) -> RegisterOperator {
    RegisterOperator {
        operator: operator(id),
        municipality: Some(code(place)),
        role: Role::Clerk,
        password: password(PASSWORD),
    }
}

/// Real public keys, as a room's key store makes them.
pub(crate) fn room_keys(place: &str) -> (PublishedKey, PublishedKey) {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::create(&folder.path().join("kek"), &folder.path().join("rooms"));
    let keys = store.unwrap().make_room(code(place)).unwrap().public_keys();
    let published = |text: String| {
        let bytes = serde_json::from_value(serde_json::Value::String(text)).unwrap();
        PublishedKey { id: 1, key: bytes, not_before_unix_s: 0, not_after_unix_s: 4_102_444_800 }
    };
    let sealing = published(keys.sealing_current().unwrap().key.encode());
    (sealing, published(keys.signing.last().unwrap().key.encode()))
}

/// Certificates are kept under `<code>-<terminal>`.
fn issue_terminal(authority: &Authority, place: Option<&str>, terminal: &str) -> Issued {
    let identity = PeerIdentity::Terminal {
        municipality: place.map(code),
        terminal: TerminalId::parse(terminal).unwrap(),
    };
    let name = format!("{}-{terminal}", place.unwrap_or("000000"));
    authority.issue(&identity, &[], &name).unwrap()
}

fn config(folder: &Path, server: Issued, limits: Limits, now_unix_s: i64) -> Config {
    let config = r#"
        directory_key = "directory-key.pem"
        tls = { authority = "", revocation_list = "", certificate = "", key = "" }
        database = { url = "sqlite:opened-by-the-test" }
        [token_key]
        file = "token-key.pem"
        id = 1
        not_before_unix_s = 0
        not_after_unix_s = 0
    "#;
    let config: Config = toml::from_str(config).unwrap();
    let config = Config { tls: server.files, limits, ..config.beside(folder) };
    let token_key = TokenKeyConfig { not_after_unix_s: now_unix_s + 86_400, ..config.token_key };
    Config { token_key, ..config }
}
