//! A sender that is killed between the log and the delivery: the notice arrives, once.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::{Outcome, ServiceKind};
use toml::{Table, Value};
use wire::notices::{ListNotices, NOTICES_LIST, Notices};

use super::towns::Towns;
use crate::support::{Engine, RUNTIME, dose, fresh_number};

const WATARI: &str = env!("CARGO_BIN_EXE_watari-tested");
const START_WAIT_MAX: Duration = Duration::from_secs(30);

/// The first partition instance as a process of its own.
struct Sender {
    address: SocketAddr,
    config: PathBuf,
    child: Child,
}

impl Sender {
    /// Goes on at the address of the instance in this process, which stops.
    async fn replace(towns: &mut Towns) -> Self {
        towns.world.house.stop_one(ServiceKind::Partition).await;
        let settings = &towns.world.house.settings;
        let address = settings.listen(ServiceKind::Partition).unwrap().address;
        let config = settings.folder.join("sender-process.toml");
        std::fs::write(&config, configuration(towns).to_string()).unwrap();
        let mut sender = Self { address, child: spawn(&config), config };
        sender.listens().await;
        sender
    }

    /// SIGKILL: nothing is finished, nothing is said.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn start_again(&mut self) {
        self.child = spawn(&self.config);
        self.listens().await;
    }

    async fn listens(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(begun.elapsed() < START_WAIT_MAX, "the sender does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.child.try_wait().unwrap().is_some() {
                self.child = spawn(&self.config);
            }
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(config: &PathBuf) -> Child {
    let mut command = Command::new(WATARI);
    command.args(["run", ServiceKind::Partition.as_str(), "--config"]).arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The site's configuration with the addresses that were really taken.
fn configuration(towns: &Towns) -> Table {
    let settings = &towns.world.house.settings;
    let text = std::fs::read_to_string(towns.world.site.layout.settings()).unwrap();
    let mut table: Table = text.parse().unwrap();
    for kind in ServiceKind::ALL {
        let address = settings.listen(kind).unwrap().address.to_string();
        put(&mut table, &format!("{kind}.listen.address"), address);
    }
    let (broker, partition) = (settings.broker().unwrap(), settings.partition().unwrap());
    put(&mut table, "participants.url", settings.participants().unwrap().url.clone());
    put(&mut table, "broker.provision_log_url", broker.provision_log_url.clone());
    put(&mut table, "partition.provision_log_url", partition.provision_log_url.clone());
    put(&mut table, "partition.broker_url", partition.broker_url.clone());
    put(&mut table, "partition.limits.notices_every_s", 1);
    put(&mut table, "partition.limits.notice_retry_s_max", 1);
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

#[test]
fn a_sender_killed_between_the_log_and_the_delivery_delivers_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        RUNTIME.block_on(async {
            let mut towns = Towns::start(engine).await;
            kill_in_between(&mut towns).await;
            towns.stop().await;
        });
    }
}

async fn kill_in_between(towns: &mut Towns) {
    let adachi = towns.world.cast.adachi.clone();
    let chiyoda = towns.chiyoda.clerk.clone();
    let number = fresh_number();
    let first = towns.live(&adachi.clerk, number, &[dose(1)]).await;
    let subject = towns.move_to(&chiyoda, number, adachi.code).await;
    towns.stop_second().await;
    let mut sender = Sender::replace(towns).await;
    knows_the_directory(towns).await;
    let mut right = dose(1);
    right.lot = "RIGHT1".to_owned();
    assert_eq!(towns.correct(&adachi.clerk, first, right.clone()).await, 1);
    // Killed before it has sent anything, or while it sends; then surely after the log has it.
    sender.kill();
    sender.start_again().await;
    for _ in 0..200 {
        if corrected(towns).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(corrected(towns).await, 1, "on record, and not delivered");
    sender.kill();
    towns.start_second().await;
    sender.start_again().await;
    let notice = towns.notices(&chiyoda, subject, 1).await.remove(0);
    assert_eq!(notice.now, [right]);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(corrected(towns).await, 1, "logged once");
    towns.notices(&chiyoda, subject, 1).await;
    sender.kill();
}

/// A partition that has just started lets nobody in before it knows who takes part.
async fn knows_the_directory(towns: &Towns) {
    let desk = towns.desk(&towns.world.cast.adachi.clerk).await;
    let page = ListNotices { only_open: true, from: 0, limit: 1 };
    for _ in 0..200 {
        if desk.room::<Notices>(NOTICES_LIST, &page).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the sender does not get ready");
}

async fn corrected(towns: &Towns) -> usize {
    towns.entries(Outcome::Corrected).await.len()
}
