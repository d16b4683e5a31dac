//! Intake and partition as processes of their own, which can be killed.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cast::{Cast, Person};
use diesel::prelude::*;
use domain::ServiceKind;
use screen::Screen;
use tempfile::TempDir;
use uuid::Uuid;
use watari::house::House;
use watari::setup::{self, Databases, Plan};
use watari::story::desk::Desk;
use watari::story::seed;
use watari::story::site::{Passwords, Site};
use watari::{Settings, schema, services};

use crate::support::{Engine, clock, postgres_url};

const WATARI: &str = env!("CARGO_BIN_EXE_watari-tested");
const START_WAIT_MAX: Duration = Duration::from_secs(60);

diesel::table! {
    capture (municipality, device, id) {
        municipality -> Text,
        device -> Text,
        id -> Binary,
    }
}

pub(super) struct Processes {
    pub(super) cast: Cast,
    config: PathBuf,
    children: Vec<(ServiceKind, Child)>,
    house: House,
    _folder: TempDir,
}

impl Processes {
    pub(super) async fn start(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let databases = match engine {
            Engine::Sqlite => Databases::Sqlite,
            Engine::Postgres => Databases::Server {
                owner_url: postgres_url(),
                prefix: format!("t_{}", Uuid::new_v4().simple()),
            },
        };
        let plan = Plan { base_port: Some(free_ports()), databases, poll_ms: 100 };
        let layout =
            setup::write(&folder.path().join("site"), &plan, clock().as_ref()).await.unwrap();
        let config = layout.settings();
        let text = std::fs::read_to_string(&config).unwrap();
        let text = text.replace("[partition]\n", "[partition]\ncaptures_every_ms = 100\n");
        std::fs::write(&config, text).unwrap();
        let settings = Settings::load(&config).unwrap();
        for kind in services::IN_ORDER {
            schema::migrate(&settings, kind).await.unwrap();
        }
        let kinds = [ServiceKind::Registry, ServiceKind::ProvisionLog, ServiceKind::Broker];
        let house = House::start(settings, &kinds, &clock()).await.unwrap();
        let cast = Cast::new().unwrap();
        let mut processes = Self { cast, config, children: Vec::new(), house, _folder: folder };
        for kind in [ServiceKind::Intake, ServiceKind::Partition] {
            processes.spawn(kind).await;
        }
        seed::seed(&processes.site(), clock().as_ref(), Screen::Silent).await.unwrap();
        processes
    }

    pub(super) fn site(&self) -> Site {
        Site::new(self.house.settings.clone())
    }

    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    pub(super) async fn desk(&self, person: &Person) -> Desk {
        let site = self.site();
        let passwords = Passwords::load(&site.layout).unwrap();
        Desk::log_in(&site, person, &passwords).await.unwrap()
    }

    /// SIGKILL: nothing is finished, nothing is said; then it starts again.
    pub(super) async fn kill_and_start(&mut self, kind: ServiceKind) {
        self.kill(kind);
        self.spawn(kind).await;
    }

    pub(super) fn kill(&mut self, kind: ServiceKind) {
        let place = self.children.iter().position(|(one, _)| *one == kind).unwrap();
        let (_, mut child) = self.children.remove(place);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    async fn spawn(&mut self, kind: ServiceKind) {
        let start = || {
            let mut command = Command::new(WATARI);
            command.args(["run", kind.as_str(), "--config"]).arg(&self.config);
            let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            silent.spawn().unwrap()
        };
        let mut child = start();
        let address = self.house.settings.listen(kind).unwrap().address;
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < START_WAIT_MAX, "{kind} does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
            if child.try_wait().unwrap().is_some() {
                child = start();
            }
        }
        self.children.push((kind, child));
    }

    /// Every capture was fetched, and forgotten.
    pub(super) async fn until_intake_is_empty(&self, wait_max: Duration) {
        let config = self.house.settings.database(ServiceKind::Intake).unwrap();
        let db = db::Db::open(&config.service().unwrap()).await.unwrap();
        let begun = Instant::now();
        loop {
            let count = |tx: &mut db::Tx| {
                capture::table.count().get_result::<i64>(tx).map_err(db::DbError::from)
            };
            let waiting = db.read("test.waiting", count).await.unwrap();
            if waiting == 0 {
                return;
            }
            assert!(begun.elapsed() < wait_max, "{waiting} captures are left at the intake");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The first of five ports in a row.
fn free_ports() -> u16 {
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let near = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut bases = (near..65_000).chain(20_000..near).step_by(5);
    bases.find(|base| (*base..base + 5).all(is_free)).unwrap()
}
