//! `watari log`, as auditors, custodians and operators type it, on both engines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test should stop at once")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
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
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use uuid::Uuid;
use watari::house::House;
use watari::setup::layout::Layout;
use watari::setup::{self, Databases, Plan};
use watari::story::site::Passwords;
use watari::{Settings, schema};
use wire::Base64Bytes;
use wire::provision_log::{Entry, SignedOrder};

/// A folder that `watari setup` wrote, with a migrated log and two custodians.
struct Stage {
    folder: TempDir,
    layout: Layout,
    /// Where the databases are, and how their names begin, on PostgreSQL.
    server: Option<(String, String)>,
}

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

#[expect(clippy::disallowed_methods, reason = "tests find their server by environment")]
fn owner_urls() -> Vec<Option<String>> {
    if std::env::var("WATARI_TEST_ENGINES").is_ok_and(|engines| engines == "sqlite") {
        return vec![None];
    }
    vec![None, Some(std::env::var("TEST_POSTGRES_URL").expect("run the tests with tests/run"))]
}

impl Stage {
    async fn each() -> Vec<Self> {
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

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn config(&self) -> String {
        self.layout.settings().display().to_string()
    }

    fn settings(&self) -> Settings {
        Settings::load(&self.layout.settings()).unwrap()
    }

    fn log_key(&self) -> String {
        self.settings().provision_log().unwrap().signer().unwrap().verifier().to_string()
    }

    /// `watari log …`
    fn say(&self, args: &[&str]) -> Said {
        watari(&[&["log"], args].concat())
    }

    fn ok(&self, args: &[&str]) -> Said {
        let said = self.say(args);
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.out, said.err);
        said
    }

    /// The command fails like this and says what to do next.
    fn refused(&self, args: &[&str], code: i32, words: &str) {
        let said = self.say(args);
        assert_eq!(said.code, code, "{args:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(words) && said.err.contains("next: "), "{args:?}: {}", said.err);
    }

    /// The command fails and says why; what to do next is plain.
    fn refused_words(&self, args: &[&str], words: &str) {
        let said = self.say(args);
        assert!(said.code == 1 && said.err.contains(words), "{args:?}: {}{}", said.out, said.err);
    }

    /// Opens the log as its service does, at a time.
    async fn log(&self, at: OffsetDateTime) -> Log {
        let settings = self.settings();
        let config = settings.provision_log().unwrap();
        let db = Db::open(&config.database.service().unwrap()).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(at));
        let opened = Log::open(db, config.opening().unwrap(), clock, &Metrics::default()).await;
        let (log, writer) = opened.unwrap();
        tokio::spawn(writer.run());
        log
    }

    async fn append(&self, at: OffsetDateTime, count: usize) {
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
    async fn set_back(&self, size: u64) {
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

fn watari(args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watari"));
    let Output { status, stdout, stderr } = command.args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Four ports in a row that nobody has just now.
fn free_ports() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let near = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut bases = (near..65_000).chain(20_000..near).step_by(4);
    bases.find(|base| (*base..base + 4).all(is_free)).unwrap()
}

fn entry() -> Entry {
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

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {}{}", said.out, said.err))
}

fn now() -> OffsetDateTime {
    SystemClock.now()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_verified_exported_and_proven_off_line() {
    for stage in Stage::each().await {
        stage.append(now(), 300).await;
        let (config, key, to) = (stage.config(), stage.log_key(), stage.path("export"));
        let sound = stage.ok(&["verify", "--config", &config]);
        assert!(sound.out.contains("300 bodies authentic") && sound.out.ends_with("\nsound\n"));
        let newest = json(&stage.ok(&["checkpoint", "--config", &config, "--json"]));
        assert_eq!(newest["size"], 300);
        let note = stage.ok(&["checkpoint", "--config", &config]).out;
        assert_eq!(newest["note"].as_str().unwrap().trim_end(), note.trim_end());

        stage.ok(&["export", "--config", &config, "--to", &to]);
        stage.refused(&["export", "--config", &config, "--to", &to], 1, "not empty");
        let report = json(&stage.ok(&["verify", &to, "--log-key", &key, "--json"]));
        assert_eq!((&report["sound"], &report["size"]), (&Value::Bool(true), &Value::from(300)));
        let root = newest["root"].as_str().unwrap();
        let since = ["verify", &to, "--log-key", &key, "--since", "300", "--since-root", root];
        stage.ok(&since);

        let receipt = stage.ok(&["prove", "5", &to, "--log-key", &key]).out;
        let file = stage.path("receipt.json");
        fs::write(&file, &receipt).unwrap();
        let proven = json(&stage.ok(&["prove", "--check", &file, "--log-key", &key]));
        assert_eq!((&proven["proven"], &proven["index"]), (&Value::Bool(true), &Value::from(5)));
        stage.ok(&[
            "verify",
            "--config",
            &config,
            "--receipt",
            &file,
            "--witness",
            &stage.path("n"),
        ][..5]);
        fs::write(&file, receipt.replace("koriyama-1", "koriyama-2")).unwrap();
        stage.refused(
            &["prove", "--check", &file, "--log-key", &key],
            1,
            "does not lead to the root",
        );
        stage.refused(&["prove", "300", &to, "--log-key", &key], 1, "does not reach this entry");

        stage.refused(&["verify", &to], 2, "no key of the log");
        stage.refused(&["verify", "--log-key", &key], 2, "no log is named");
        let other = stage.say(&["verify", &stage.path("nothing"), "--log-key", &key]);
        assert_eq!(other.code, 2, "{}", other.err);

        let bundle = Path::new(&to).join("tile/entries/000");
        let mut bytes = fs::read(&bundle).unwrap();
        let place = bytes.windows(8).position(|window| window == b"koriyama").unwrap();
        bytes[place] = b'K';
        fs::write(&bundle, bytes).unwrap();
        let report = stage.say(&["verify", &to, "--log-key", &key, "--json"]);
        assert_eq!((report.code, &json(&report)["findings"][0]["kind"]), (1, &"edited".into()));
        let text = stage.say(&["verify", &to, "--log-key", &key]).out;
        assert!(text.contains("edited [0, 1)") && text.contains("next:  "), "{text}");
        assert!(text.ends_with("NOT SOUND\n"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_planned_signed_ordered_and_destroyed() {
    for stage in Stage::each().await {
        let (begin, config, order) = (now(), stage.config(), stage.path("order"));
        stage.append(begin, 30).await;
        let day = domain::law::day_in_japan(begin);
        let month = format!("{}{:02}", day.year(), u8::from(day.month()));
        let later = begin + Duration::days(8 * 366);
        let today = domain::law::day_in_japan(later).to_string();
        let plan = stage.ok(&["plan", "--config", &config]).out;
        assert!(plan.contains(&format!("{month}        30 bodies: the segment is kept")), "{plan}");
        let draft = ["plan", "--config", &config, "--segment", &month, "--out", &order];
        stage.refused_words(&draft, "is kept through");
        let drafted = stage.ok(&[&draft[..], &["--today", &today]].concat()).out;
        assert!(drafted.contains("destroys 30 bodies") && drafted.contains("watari log sign"));
        stage.refused(&["destroy", &order, "--config", &config], 1, "the order");
        for (name, words) in [("kimura", "1 of 2"), ("sato", "2 of 2")] {
            let key = stage.path(name);
            let signed = stage.ok(&["sign", &order, "--key", &key, "--name", name]).out;
            assert!(signed.contains("destroys 30 bodies") && signed.contains(words), "{signed}");
        }
        stage.refused(&["destroy", &order, "--config", &config], 1, "does not stand in the log");

        let log = stage.log(later).await;
        let note = fs::read_to_string(&order).unwrap();
        assert_eq!(log.order(SignedOrder { note }).await.unwrap().index, 30);
        log.rest().await;
        let gone = stage.ok(&["destroy", &order, "--config", &config]).out;
        assert!(gone.contains("at index 30, 30 bodies") && gone.contains("bytes freed"), "{gone}");
        let again = stage.ok(&["destroy", &order, "--config", &config]).out;
        assert!(again.contains("at index 30, 0 bodies"), "{again}");
        let report = json(&stage.ok(&["verify", "--config", &config, "--json"]));
        assert_eq!((&report["destroyed"], &report["entries"]), (&30.into(), &1.into()));
        // The log's newest entry is of the future now, so no clock runs ahead of it; one that does
        // is not believed.
        let far = stage.log(later + Duration::days(1)).await;
        far.append(entry()).await.unwrap();
        assert!(stage.ok(&["plan", "--config", &config]).out.contains("1 bodies: "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_ran_away_plans_nothing() {
    for stage in Stage::each().await {
        stage.append(now() - Duration::days(40), 3).await;
        let config = stage.config();
        stage.refused(&["plan", "--config", &config], 1, "more than a month older");
        let today = domain::law::day_in_japan(now()).to_string();
        stage.ok(&["plan", "--config", &config, "--today", &today]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_set_back_is_brought_up_again() {
    for stage in Stage::each().await {
        let (config, late) = (stage.config(), stage.path("late"));
        stage.append(now(), 20).await;
        stage.append(now(), 5).await;
        stage.ok(&["export", "--config", &config, "--to", &late]);
        let whole = stage.ok(&["reconcile", "--config", &config]).out;
        assert!(whole.contains("Nothing is missing; the log has 25 entries."), "{whole}");
        stage.set_back(20).await;
        stage.refused(&["reconcile", "--config", &config], 1, "entries [20, 25) are missing");
        let mended = stage.ok(&["reconcile", "--config", &config, "--from", &late]).out;
        assert!(mended.contains("Entries [20, 25) came back."), "{mended}");
        let head = stage.settings().provision_log().unwrap().head_file.clone();
        fs::remove_file(&head).unwrap();
        stage.refused(&["reconcile", "--config", &config], 1, "neither a head file nor a witness");
        let witness = Path::new(&late).join("checkpoint").display().to_string();
        stage.ok(&["reconcile", "--config", &config, "--witness", &witness]);
        fs::remove_file(&head).unwrap();
        stage.ok(&["reconcile", "--config", &config, "--trust-database"]);
        stage.append(now(), 1).await;
        stage.ok(&["verify", "--config", &config]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_sent_to_the_running_log_and_an_independent_witness_sees_it() {
    for stage in Stage::each().await {
        let (config, order) = (stage.config(), stage.path("hold"));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let kinds = [ServiceKind::Registry, ServiceKind::ProvisionLog];
        let house = House::start(stage.settings(), &kinds, &clock).await.unwrap();
        let password = password_file(&stage);
        bootstrap(&stage, &password);
        let hold = ["hold", "--municipality", "131211", "--reason", "a lawsuit", "--out", &order];
        let drafted = stage.ok(&[&hold[..], &["--config", &config]].concat()).out;
        assert!(drafted.contains("holds all entries of 131211: a lawsuit"), "{drafted}");
        stage.ok(&["sign", &order, "--key", &stage.path("sato"), "--name", "sato"]);
        let submit = |password: &str| {
            let operator = ["--operator", "national-1", "--password-file", password];
            stage.say(&[&["submit", &order, "--config", &config], &operator[..]].concat())
        };
        let wrong = stage.path("wrong");
        fs::write(&wrong, "not-the-password").unwrap();
        assert_eq!(submit(&wrong).code, 1);
        let sent = submit(&password);
        assert!(sent.out.contains("at index 0."), "{}{}", sent.out, sent.err);
        assert!(submit(&password).out.contains("at index 0."), "sent twice, it stands once");
        let shown = stage.ok(&["checkpoint", "--running", "--config", &config, "--json"]);
        assert_eq!(json(&shown)["size"], 1);

        let (key, state, out) = (stage.path("witness"), stage.path("seen"), stage.path("notes"));
        let verifier = stage.ok(&["witness-key", "--name", "witness.example", "--out", &key]).out;
        let look = || {
            let files = ["--state", &state, "--key", &key, "--name", "witness.example"];
            let once = ["--out", &out, "--once", "--config", &config];
            stage.ok(&[&["witness"], &files[..], &once[..]].concat())
        };
        assert_eq!(json(&look())["size"], 1);
        assert_eq!(json(&look())["same"], true);
        let id = drafted.split(' ').nth(1).unwrap();
        let lift = ["lift", "--hold", id, "--out", &order, "--config", &config];
        stage.ok(&lift);
        stage.ok(&["sign", &order, "--key", &stage.path("sato"), "--name", "sato"]);
        assert_eq!(submit(&password).code, 1, "one custodian does not lift a hold");
        stage.ok(&["sign", &order, "--key", &stage.path("kimura"), "--name", "kimura"]);
        assert!(submit(&password).out.contains("at index 1."));
        assert_eq!(json(&look())["size"], 2);
        let verify = ["verify", "--config", &config, "--witness", &out, "--json"];
        let report = stage.ok(&[&verify[..], &["--witness-key", verifier.trim()]].concat());
        assert_eq!(json(&report)["witnessedSize"], 2);

        let doctor = watari(&["doctor", "--config", &config]).out;
        assert!(doctor.contains("ok      provision-log  head file        "), "{doctor}");
        house.stop().await;
    }
}

fn password_file(stage: &Stage) -> String {
    let passwords = Passwords::load(&stage.layout).unwrap();
    let password = passwords.of(&OperatorId::parse("national-1").unwrap()).unwrap().to_owned();
    let file = stage.path("password");
    fs::write(&file, format!("{password}\n")).unwrap();
    file
}

fn bootstrap(stage: &Stage, password: &str) {
    let certificate: PathBuf = stage.layout.tls("terminal-national").certificate;
    let certificate = certificate.display().to_string();
    let who = ["bootstrap", "--operator", "national-1", "--terminal-certificate", &certificate];
    let how = ["--password-file", password, "--config", &stage.config()];
    let said = watari(&[&who[..], &how[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
}
