//! An installation with a process for each service, as an operator would start them.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use domain::ServiceKind;
use tempfile::TempDir;
use watari::Settings;
use watari::services::IN_ORDER;
use watari::story::site::Site;

use super::receiver::Receiver;
use super::search::signal;

pub(crate) struct Installation {
    folder: TempDir,
    running: Vec<(ServiceKind, Child)>,
    pub(crate) receiver: Receiver,
}

/// Everything that any crate has to say.
const LOG: &str = "trace";

impl Installation {
    pub(crate) fn start(postgres_owner: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::start();
        let mut installation = Self { folder, running: Vec::new(), receiver };
        for folder in [installation.output(), installation.temporary()] {
            fs::create_dir(folder).unwrap();
        }
        let (data, port) = (installation.site_folder(), free_ports().to_string());
        let data = data.to_str().unwrap();
        let mut setup = vec!["setup", "--data", data, "--base-port", &port, "--poll-ms", "100"];
        setup.extend(postgres_owner.into_iter().flat_map(|url| ["--postgres-owner", url]));
        installation.run(&setup);
        let receiver = installation.receiver.address;
        let telemetry =
            format!("\n[telemetry]\nlog = \"{LOG}\"\notlp_endpoint = \"http://{receiver}\"\n");
        let config = installation.config();
        let text = fs::read_to_string(&config).unwrap() + &telemetry;
        fs::write(&config, text).unwrap();
        installation.run(&["migrate", "--config", config.to_str().unwrap()]);
        for kind in IN_ORDER {
            installation.start_one(kind);
        }
        installation
    }

    pub(crate) fn site(&self) -> Site {
        Site::new(Settings::load(&self.config()).unwrap())
    }

    pub(crate) fn site_folder(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    /// What the processes wrote to standard output and standard error.
    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    /// Where the processes are told to put temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    pub(crate) fn pid(&self, kind: ServiceKind) -> u32 {
        let (_, process) = self.running.iter().find(|(one, _)| *one == kind).unwrap();
        process.id()
    }

    pub(crate) fn start_one(&mut self, kind: ServiceKind) {
        let config = self.config();
        let mut command = self.command(kind.as_str());
        let process = command.args(["run", kind.as_str(), "--config"]).arg(config).spawn().unwrap();
        self.running.push((kind, process));
        let address = self.site().settings.listen(kind).unwrap().address;
        wait(|| TcpStream::connect(address).is_ok());
    }

    /// As an operator stops it.
    pub(crate) fn stop_one(&mut self, kind: ServiceKind) {
        let place = self.running.iter().position(|(one, _)| *one == kind).unwrap();
        let (_, mut process) = self.running.remove(place);
        signal("TERM", process.id());
        assert!(process.wait().unwrap().success(), "{kind} ended badly");
    }

    pub(crate) fn stop(&mut self) {
        for kind in IN_ORDER.into_iter().rev() {
            self.stop_one(kind);
        }
    }

    fn config(&self) -> PathBuf {
        self.site_folder().join("watari.toml")
    }

    fn run(&self, arguments: &[&str]) {
        let ran = self.command(arguments[0]).args(arguments).status().unwrap();
        assert!(ran.success(), "{arguments:?}");
    }

    fn command(&self, name: &str) -> Command {
        let write = |ending: &str| {
            let path = self.output().join(format!("{name}.{ending}"));
            Stdio::from(OpenOptions::new().create(true).append(true).open(path).unwrap())
        };
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_watari-tested")));
        command.env("TMPDIR", self.temporary()).env("OTEL_BSP_SCHEDULE_DELAY", "200");
        command.stdin(Stdio::null()).stdout(write("out")).stderr(write("err"));
        command
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for (_, process) in &mut self.running {
            // Only after a failure; there is nothing left to save.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[track_caller]
pub(crate) fn wait(mut until: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !until() {
        assert!(Instant::now() < end, "waited too long");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first of five ports in a row; `watari setup` writes them down, so they must be known before.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 900).unwrap();
    let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    loop {
        let place = (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 1_000;
        let base = 20_000 + 5 * place;
        if (base..base + 5).all(is_free) {
            return base;
        }
    }
}
