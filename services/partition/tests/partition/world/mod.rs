//! A partition that hosts Koriyama and Adachi, over real mutual TLS; registry, broker and provision
//! log are played.  The clock moves only when told to.

pub(crate) mod broker;
mod desk;
pub(crate) mod intake;
pub(crate) mod log;
pub(crate) mod registry;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::ServiceConfig;
use crypto::{KeyStore, SigningKey};
use db::test_support::TestDb;
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Binary, Text};
use domain::vaccination::{Status, Vaccination};
use domain::{
    Clock, Confirmation, FixedClock, IndividualNumber, InquiryId, MunicipalityCode, RequestId,
    Role, ServiceKind, SystemClock, TerminalId,
};
use partition::{Config, MIGRATIONS, ROLE, start_in};
use service::config::ListenConfig;
use service::health::READY;
use service::metrics::Metrics;
use service::pki::Authority;
use service::server::{Running, Setup};
use service::{Endpoint, Participants};
use tempfile::TempDir;
use uuid::Uuid;
use wire::client::Deadlines;
use wire::partition as api;
use wire::tls::{Expected, TlsFiles, TlsIdentity};
use wire::{CallError, Client, PeerIdentity, WireNumber};

use self::broker::FakeBroker;
pub(crate) use self::desk::Desk;
use self::intake::FakeIntake;
use self::log::FakeLog;
use self::registry::FakeRegistry;

pub(crate) const KORIYAMA: &str = "072036";
pub(crate) const ADACHI: &str = "131211";
/// Takes part, but its room is elsewhere.
pub(crate) const URUMA: &str = "472131";

pub(crate) struct World {
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) test: TestDb,
    pub(crate) log: FakeLog,
    pub(crate) broker: FakeBroker,
    pub(crate) intake: FakeIntake,
    pub(crate) registry: FakeRegistry,
    pub(crate) config: Config,
    partition: Option<Running>,
    authority: Authority,
    _disk: TempDir,
}

/// The same test on both engines.
pub(crate) async fn on_both<F: AsyncFn(World)>(test: F) {
    on_both_with("", test).await;
}

/// The same with lines of configuration that come first.
pub(crate) async fn on_both_with<F: AsyncFn(World)>(settings: &str, test: F) {
    for db in TestDb::each(&MIGRATIONS, ROLE).await {
        test(World::new(db, settings).await).await;
    }
}

impl World {
    async fn new(test: TestDb, settings: &str) -> Self {
        let disk = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(SystemClock.now()));
        let authority = Authority::create(disk.path(), &SystemClock).unwrap();
        let registry = FakeRegistry::start(&authority, Arc::clone(&clock));
        let log = FakeLog::start(&authority, Arc::clone(&clock));
        let broker = FakeBroker::start(&authority, log.clone());
        let intake = FakeIntake::start(&authority);
        KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms")).unwrap();
        let tls = files(&authority, PeerIdentity::service(ServiceKind::Partition, "p1"), "p1");
        let text = format!(
            "municipalities = ['{KORIYAMA}', '{ADACHI}']\n\
             broker_url = '{}'\nintake_url = '{}'\nprovision_log_url = '{}'\n\
             permit_keys = ['{}']\nlog_verifiers = ['{}']\nlog_origin = '{}'\n\
             reconcile_every_s = 1\n{}\n\
             [witness]\nevery_s = 1\n{}\n\
             [listen]\nworkers = 1\nshutdown_s_max = 1\n\
             [database]\nurl = 'sqlite:unused'\n\
             [keys]\nkey_encryption_key = '{}'\nfolder = '{}'\n\
             [tls]\nauthority = '{}'\nrevocation_list = '{}'\ncertificate = '{}'\nkey = '{}'\n",
            broker.url,
            intake.url,
            log.url,
            broker.permit_key,
            log.verifier(),
            log::ORIGIN,
            settings.split_once("[witness]").map_or(settings, |(first, _)| first),
            settings.split_once("[witness]").map_or("", |(_, rest)| rest),
            disk.path().join("kek").display(),
            disk.path().join("rooms").display(),
            tls.authority.display(),
            tls.revocation_list.display(),
            tls.certificate.display(),
            tls.key.display(),
        );
        let config: Config = toml::from_str(&text).unwrap();
        let mut world = Self {
            clock,
            test,
            log,
            broker,
            intake,
            registry,
            config,
            partition: None,
            authority,
            _disk: disk,
        };
        world.start().await;
        world
    }

    pub(crate) async fn start(&mut self) {
        let db = self.test.db.clone();
        let (config, registry) = (self.config.clone(), self.registry.config());
        let clock: Arc<dyn Clock> = self.clock.clone();
        let running = start_in(db, config, &registry, clock).await.unwrap();
        self.registry.host_at(&url(&running));
        self.broker.provide_at(&self.client(ServiceKind::Broker, "main", &running));
        self.partition = Some(running);
        until("published", async || self.registry.published() == 2).await;
        // The partition's own view of the directory follows.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    pub(crate) async fn stop(&mut self) {
        self.partition.take().unwrap().stop().await;
    }

    fn running(&self) -> &Running {
        self.partition.as_ref().unwrap()
    }

    fn client(&self, kind: ServiceKind, instance: &str, to: &Running) -> Client {
        let identity = PeerIdentity::service(kind, instance);
        let name = format!("{kind}-{}", Uuid::new_v4());
        let identity = TlsIdentity::load(&files(&self.authority, identity, &name)).unwrap();
        let expected = Expected::any(ServiceKind::Partition);
        Client::new(&identity, expected, &url(to), Deadlines::default()).unwrap()
    }

    /// Why the partition is not ready, if it is not.
    pub(crate) async fn readiness(&self) -> Result<String, CallError> {
        let client = self.client(ServiceKind::Registry, "main", self.running());
        client.get_text(READY.path, &RequestId::make_random()).await
    }

    pub(crate) async fn metric(&self, name: &str) -> i64 {
        let client = self.client(ServiceKind::Registry, "main", self.running());
        let path = service::health::METRICS.path;
        let text = client.get_text(path, &RequestId::make_random()).await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap().parse().unwrap()
    }

    /// Lets time pass, and the partition hear from the registry again.
    pub(crate) async fn pass(&self, seconds: i64) {
        self.clock.advance(time::Duration::seconds(seconds));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    /// Lets the least of times pass.
    pub(crate) fn tick(&self) {
        self.clock.advance(time::Duration::milliseconds(1));
    }

    pub(crate) fn desk(&self, municipality: &str, role: Role) -> Desk {
        self.desk_of(municipality, role, "person-1")
    }

    pub(crate) fn desk_of(&self, municipality: &str, role: Role, operator: &str) -> Desk {
        self.hasty_desk(municipality, (role, operator), Deadlines::default())
    }

    /// Somebody who hangs up when these deadlines are over.
    pub(crate) fn hasty_desk(
        &self,
        municipality: &str,
        (role, operator): (Role, &str),
        deadlines: Deadlines,
    ) -> Desk {
        let municipality = MunicipalityCode::parse(municipality).unwrap();
        let terminal = TerminalId::parse("t-1").unwrap();
        let identity = PeerIdentity::Terminal { municipality: Some(municipality), terminal };
        let name = format!("terminal-{}", Uuid::new_v4());
        let issued = self.authority.issue(&identity, &[], &name).unwrap();
        let token = self.registry.token(municipality, (role, operator), &issued.thumbprint);
        let identity = TlsIdentity::load(&issued.files).unwrap();
        let expected = Expected::any(ServiceKind::Partition);
        let client = Client::new(&identity, expected, &url(self.running()), deadlines).unwrap();
        Desk { client, token }
    }

    /// Another service with a certificate of its own.
    pub(crate) fn service(&self, kind: ServiceKind) -> Client {
        self.client(kind, "main", self.running())
    }

    /// A machine of a municipality, which logs in by its certificate alone.
    pub(crate) fn system(&self, municipality: &str) -> Client {
        let municipality = MunicipalityCode::parse(municipality).unwrap();
        let system = TerminalId::parse("ledger-1").unwrap();
        let identity = PeerIdentity::System { municipality, system };
        let name = format!("system-{}", Uuid::new_v4());
        let identity = TlsIdentity::load(&files(&self.authority, identity, &name)).unwrap();
        let expected = Expected::any(ServiceKind::Partition);
        Client::new(&identity, expected, &url(self.running()), Deadlines::default()).unwrap()
    }

    /// A person who moved from Adachi to Koriyama, with a dose there.
    pub(crate) async fn mover(&self, number: u32) {
        self.desk(KORIYAMA, Role::Clerk).register(number).await;
        let adachi = self.desk(ADACHI, Role::Clerk);
        let subject = adachi.register(number).await;
        let dose = api::RegisterVaccination { subject, vaccination: dose() };
        adachi.post::<api::VaccinationRegistered>(api::VACCINATIONS, &dose).await.unwrap();
    }

    /// Koriyama asks Adachi.
    pub(crate) async fn ask(
        &self,
        question: &api::AskRequest,
    ) -> Result<api::AskAnswer, CallError> {
        self.desk(KORIYAMA, Role::Clerk).post(api::INQUIRIES, question).await
    }

    /// What a room's operation log says of an act, oldest first.
    pub(crate) async fn acts(&self, municipality: &str, act: &str) -> Vec<String> {
        let page = api::ListPage { from: 0, limit: 1_000 };
        let desk = self.desk(municipality, Role::Supervisor);
        let log: api::OperationLog = desk.post(api::OPERATION_LOG_LIST, &page).await.unwrap();
        let lines = log.entries.into_iter().map(|line| line.entry);
        lines.filter(|entry| entry.act == act).map(|entry| entry.result).collect()
    }

    /// A whole operation log as it is stored, the instance's own one under 000000.
    pub(crate) async fn lines(&self, municipality: &str) -> Vec<api::OperationEntry> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Binary)]
            body: Vec<u8>,
        }
        let sql = format!(
            "SELECT body FROM operation_log WHERE municipality = '{municipality}' ORDER BY seq"
        );
        let rows = self.test.as_owner(move |tx| diesel::sql_query(sql).load::<Row>(tx)).await;
        rows.iter().map(|row| serde_json::from_slice(&row.body).unwrap()).collect()
    }

    /// One text of the database.
    pub(crate) async fn text(&self, sql: &'static str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        self.test.as_owner(move |tx| diesel::sql_query(sql).get_result::<Row>(tx)).await.text
    }

    /// Statements of the database's owner, for this engine.
    pub(crate) async fn execute(&self, [sqlite, postgres]: [&'static str; 2]) {
        let sql = if self.test.is_sqlite() { sqlite } else { postgres };
        self.test.as_owner(move |tx| tx.batch_execute(sql)).await;
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let sql = format!("SELECT COUNT(*) AS count FROM {table}");
        self.test.as_owner(move |tx| diesel::sql_query(sql).get_result::<Count>(tx)).await.count
    }
}

pub(crate) fn dose() -> Vaccination {
    Vaccination {
        status: Status::Done,
        dose_number: 1,
        date: time::macros::date!(2024 - 05 - 06),
        maker: "A社".to_owned(),
        lot: "L-1".to_owned(),
        product: None,
        vaccine_kind: None,
        venue: None,
    }
}

pub(crate) fn question(number: u32) -> api::AskRequest {
    api::AskRequest {
        inquiry: InquiryId::make_random(),
        individual_number: WireNumber(IndividualNumber::for_test(number)),
        provider: MunicipalityCode::parse(ADACHI).unwrap(),
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        confirmation: Confirmation::ResidentRegister,
    }
}

/// Status and code of a refusal.
pub(crate) fn refusal<A: std::fmt::Debug>(answer: Result<A, CallError>) -> (u16, String) {
    let error = answer.unwrap_err();
    let problem = error.problem().expect("a problem document");
    (problem.status, problem.code.clone())
}

/// Waits for something that background tasks do.
pub(crate) async fn until(what: &str, check: impl AsyncFn() -> bool) {
    for _ in 0..150 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not come to this: {what}");
}

/// Two rounds of every background task.
pub(crate) async fn rounds() {
    tokio::time::sleep(Duration::from_millis(2_500)).await;
}

fn files(authority: &Authority, identity: PeerIdentity, name: &str) -> TlsFiles {
    authority.issue(&identity, &["localhost"], name).unwrap().files
}

fn url(running: &Running) -> String {
    format!("https://localhost:{}", running.address.port())
}

/// A server that plays a service: the real listener and gate, other handlers.
fn play(
    authority: &Authority,
    kind: ServiceKind,
    endpoints: &'static [Endpoint],
    configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> Running {
    let identity = PeerIdentity::service(kind, "main");
    let setup = Setup {
        service: kind.as_str(),
        listen: ListenConfig { workers: 1, shutdown_s_max: 1, ..ListenConfig::default() },
        identity: TlsIdentity::load(&files(authority, identity, kind.as_str())).unwrap(),
        endpoints,
        participants: Participants::new(30),
        clock: Arc::new(SystemClock),
        metrics: Metrics::default(),
        ready: Arc::new(|| Box::pin(async { Vec::new() })),
    };
    service::server::start(setup, configure).unwrap()
}

fn make_key() -> SigningKey {
    SigningKey::make_random().unwrap()
}
