//! A log of its own with two custodians, and `watari` to be typed at it.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use db::{Db, DbUrl};
use diesel::connection::SimpleConnection as _;
use domain::{
    Clock, FixedClock, InquiryId, MunicipalityCode, OperatorId, Outcome, ServiceKind, SystemClock,
    TerminalId,
};
use provision_log::Log;
use serde_json::Value;
use service::metrics::Metrics;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;
use watari::setup::layout::Layout;
use watari::setup::{self, Databases, Plan};
use watari::story::site::Passwords;
use watari::{Settings, schema};
use wire::Base64Bytes;
use wire::provision_log::Entry;

/// A folder that `watari setup` wrote, with a migrated log and two custodians.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) layout: Layout,
    /// Where the databases are, and how their names begin, on PostgreSQL.
    server: Option<(String, String)>,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

#[expect(clippy::disallowed_methods, reason = "tests find their server by environment")]
fn owner_urls() -> Vec<Option<String>> {
    if std::env::var("WATARI_TEST_ENGINES").is_ok_and(|engines| engines == "sqlite") {
        return vec![None];
    }
    vec![None, Some(std::env::var("TEST_POSTGRES_URL").expect("run the tests with tests/run"))]
}

impl Stage {
    pub(crate) async fn each() -> Vec<Self> {
        let mut stages = Vec::new();
        for owner_url in owner_urls() {
            stages.push(Self::new(owner_url).await);
        }
        stages
    }

    async fn new(owner_url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let prefix = format!("t_{}", Uuid::new_v4().simple());
        let server = owner_url.map(|url| (url, prefix));
        let databases = match server.clone() {
            None => Databases::Sqlite,
            Some((owner_url, prefix)) => Databases::Server { owner_url, prefix },
        };
        let plan = Plan { base_port: Some(free_ports()), databases, poll_ms: 100 };
        let site = folder.path().join("site");
        let layout = setup::write(&site, &plan, &SystemClock).await.unwrap();
        let stage = Self { folder, layout, server };
        let custodians = ["kimura", "sato"].map(|name| {
            let made = stage.ok(&["custodian-key", "--name", name, "--out", &stage.path(name)]);
            format!("\"{}\"", made.out.trim())
        });
        let toml = fs::read_to_string(stage.layout.settings()).unwrap();
        let list = format!("custodians = [{}]", custodians.join(", "));
        fs::write(stage.layout.settings(), toml.replace("custodians = []", &list)).unwrap();
        let settings = stage.settings();
        for kind in [ServiceKind::Registry, ServiceKind::ProvisionLog] {
            schema::migrate(&settings, kind).await.unwrap();
        }
        stage
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn config(&self) -> String {
        self.layout.settings().display().to_string()
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::load(&self.layout.settings()).unwrap()
    }

    pub(crate) fn log_key(&self) -> String {
        self.settings().provision_log().unwrap().signer().unwrap().verifier().to_string()
    }

    /// `watari log …`
    pub(crate) fn say(&self, args: &[&str]) -> Said {
        watari(&[&["log"], args].concat())
    }

    pub(crate) fn ok(&self, args: &[&str]) -> Said {
        let said = self.say(args);
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.out, said.err);
        said
    }

    /// The command fails like this and says what to do next.
    pub(crate) fn refused(&self, args: &[&str], code: i32, words: &str) {
        let said = self.say(args);
        assert_eq!(said.code, code, "{args:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(words) && said.err.contains("next: "), "{args:?}: {}", said.err);
    }

    /// The command fails and says why; what to do next is plain.
    pub(crate) fn refused_words(&self, args: &[&str], words: &str) {
        let said = self.say(args);
        assert!(said.code == 1 && said.err.contains(words), "{args:?}: {}{}", said.out, said.err);
    }

    /// Opens the log as its service does, at a time.
    pub(crate) async fn log(&self, at: OffsetDateTime) -> Log {
        let settings = self.settings();
        let config = settings.provision_log().unwrap();
        let db = Db::open(&config.database.service().unwrap()).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(at));
        let opened = Log::open(db, config.opening().unwrap(), clock, &Metrics::default()).await;
        let (log, writer) = opened.unwrap();
        tokio::spawn(writer.run());
        log
    }

    pub(crate) async fn append(&self, at: OffsetDateTime, count: usize) {
        let log = self.log(at).await;
        let appends = (0..count).map(|_| {
            let log = log.clone();
            async move { log.append(entry()).await.unwrap() }
        });
        appends.collect::<JoinSet<_>>().join_all().await;
        log.rest().await;
    }

    fn owner(&self) -> DbUrl {
        self.settings().provision_log().unwrap().database.owner().unwrap()
    }

    /// As if a backup of a moment with so many entries had been restored.
    pub(crate) async fn set_back(&self, size: u64) {
        let tables = ["leaf", "entry", "tile", "checkpoint"];
        let triggers = tables.map(|table| format!("DROP TRIGGER {table}_is_not_deleted;"));
        let delete = format!(
            "DELETE FROM leaf WHERE seq >= {size}; DELETE FROM entry WHERE seq >= {size}; \
             DELETE FROM tile WHERE (idx + 1) * 256 > {size} AND level = 0; \
             DELETE FROM checkpoint WHERE size > {size}"
        );
        let drop = if self.server.is_none() { triggers.concat() } else { String::new() };
        let sql = format!("{drop}{delete}");
        db::as_owner(&self.owner(), move |tx| Ok::<_, db::DbError>(tx.batch_execute(&sql)?))
            .await
            .unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let Some((url, prefix)) = self.server.clone() else { return };
        let Ok(url) = DbUrl::parse(&url) else { return };
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let gone = db::as_owner(&url, move |tx| {
                for service in ["registry", "provision_log", "partition"] {
                    let sql = format!("DROP DATABASE IF EXISTS {prefix}_{service} WITH (FORCE)");
                    tx.batch_execute(&sql)?;
                }
                Ok::<_, db::DbError>(())
            });
            let _ = runtime.block_on(gone);
        })
        .join();
    }
}

pub(crate) fn watari(args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watari"));
    let Output { status, stdout, stderr } = command.args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Four ports in a row that nobody has just now.
fn free_ports() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let near = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut bases = (near..65_000).chain(20_000..near).step_by(5);
    bases.find(|base| (*base..base + 5).all(is_free)).unwrap()
}

pub(crate) fn entry() -> Entry {
    Entry {
        inquiry: InquiryId::make_random(),
        permit: Uuid::now_v7().to_string(),
        inquirer: MunicipalityCode::parse("072036").unwrap(),
        provider: MunicipalityCode::parse("131211").unwrap(),
        operator: OperatorId::parse("clerk-koriyama").unwrap(),
        terminal: TerminalId::parse("koriyama-1").unwrap(),
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        items: "vaccination".to_owned(),
        outcome: Outcome::Provided,
        reason: None,
        commitment: Some(Base64Bytes(vec![7; 32])),
        asked_at_unix_s: 1_790_000_000,
        decided_at_unix_ms: 1_790_000_000_250,
    }
}

pub(crate) fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {}{}", said.out, said.err))
}

pub(crate) fn now() -> OffsetDateTime {
    SystemClock.now()
}

pub(crate) fn password_file(stage: &Stage) -> String {
    let passwords = Passwords::load(&stage.layout).unwrap();
    let password = passwords.of(&OperatorId::parse("national-1").unwrap()).unwrap().to_owned();
    let file = stage.path("password");
    fs::write(&file, format!("{password}\n")).unwrap();
    file
}

pub(crate) fn bootstrap(stage: &Stage, password: &str) {
    let certificate: PathBuf = stage.layout.tls("terminal-national").certificate;
    let certificate = certificate.display().to_string();
    let who = ["bootstrap", "--operator", "national-1", "--terminal-certificate", &certificate];
    let how = ["--password-file", password, "--config", &stage.config()];
    let said = watari(&[&who[..], &how[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
}
