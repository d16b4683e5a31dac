//! A service as a process of its own, which can be killed.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::ServiceKind;
use toml::{Table, Value};

use super::second::INSTANCE;
use super::stage::Stage;

/// The same program that `cargo run` starts.
const WATARI: &str = env!("CARGO_BIN_EXE_watari-tested");
/// Ignores the signal of a write beyond the size limit, so that the write itself fails.
const WITHOUT_SIGNAL: &str = "trap '' XFSZ; exec \"$0\" \"$@\"";
const START_WAIT_MAX: Duration = Duration::from_secs(30);

pub(super) struct Process {
    kind: ServiceKind,
    address: SocketAddr,
    config: PathBuf,
    child: Child,
}

impl Process {
    /// Stops a service of the stage and goes on with it as a process at the same address.
    pub(super) async fn replace(stage: &mut Stage, kind: ServiceKind) -> Self {
        stage.stop(kind).await;
        let address = stage.world.house.settings.listen(kind).unwrap().address;
        let config = stage.world.site.settings.folder.join(format!("{kind}-process.toml"));
        std::fs::write(&config, configuration(stage).to_string()).unwrap();
        Self::start(kind, address, config).await
    }

    /// The same with the source's own partition.
    pub(super) async fn replace_second(stage: &mut Stage) -> Self {
        stage.second.stop().await;
        let settings = stage.second.house.settings.partition().unwrap();
        let address = settings.listen.address;
        let mut table = configuration(stage);
        let text = |path: &PathBuf| path.display().to_string();
        put(&mut table, "partition.listen.address", address.to_string());
        put(&mut table, "partition.tls.certificate", text(&settings.tls.certificate));
        put(&mut table, "partition.tls.key", text(&settings.tls.key));
        put(&mut table, "partition.database.url", settings.database.url.reveal().unwrap());
        let keys = &settings.keys;
        put(&mut table, "partition.keys.key_encryption_key", text(&keys.key_encryption_key));
        put(&mut table, "partition.keys.folder", text(&keys.folder));
        put(&mut table, "partition.municipalities", vec![stage.second.town.code.to_string()]);
        let config = stage.world.site.settings.folder.join(format!("{INSTANCE}-process.toml"));
        std::fs::write(&config, table.to_string()).unwrap();
        Self::start(ServiceKind::Partition, address, config).await
    }

    async fn start(kind: ServiceKind, address: SocketAddr, config: PathBuf) -> Self {
        let child = spawn(kind, &config);
        let mut process = Self { kind, address, config, child };
        process.listens().await;
        process
    }

    /// SIGKILL: nothing is finished, nothing is said.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) async fn start_again(&mut self) {
        self.child = spawn(self.kind, &self.config);
        self.listens().await;
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the port is open; a start that failed, perhaps because somebody else had the
    /// port for a moment, is repeated.
    async fn listens(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(begun.elapsed() < START_WAIT_MAX, "{} does not start", self.kind);
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.child.try_wait().unwrap().is_some() {
                self.child = spawn(self.kind, &self.config);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(kind: ServiceKind, config: &PathBuf) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", WITHOUT_SIGNAL, WATARI, "run", kind.as_str(), "--config"]).arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The site's configuration with the addresses that were really taken.
fn configuration(stage: &Stage) -> Table {
    let settings = &stage.world.house.settings;
    let text = std::fs::read_to_string(stage.world.site.layout.settings()).unwrap();
    let mut table: Table = text.parse().unwrap();
    for kind in ServiceKind::ALL {
        let address = settings.listen(kind).unwrap().address.to_string();
        put(&mut table, &format!("{kind}.listen.address"), address);
    }
    let broker = settings.broker().unwrap();
    put(&mut table, "participants.url", settings.participants().unwrap().url.clone());
    put(&mut table, "broker.provision_log_url", broker.provision_log_url.clone());
    put(&mut table, "broker.limits.mismatches_block_at", 0);
    put(&mut table, "broker.limits.requests_per_s_max", 0);
    put(&mut table, "partition.broker_url", settings.partition().unwrap().broker_url.clone());
    // A file takes long enough to be interrupted.
    put(&mut table, "partition.batch.rows_max", 3);
    put(&mut table, "telemetry.log", "error");
    table
}

/// Sets a value by its dotted name.
fn put(table: &mut Table, name: &str, value: impl Into<Value>) {
    match name.split_once('.') {
        None => drop(table.insert(name.to_owned(), value.into())),
        Some((section, rest)) => {
            let section = table.entry(section).or_insert_with(|| Table::new().into());
            put(section.as_table_mut().unwrap(), rest, value);
        }
    }
}
