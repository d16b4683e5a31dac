//! A PostgreSQL server of our own, whose files cannot grow beyond a limit: as on a full disk.
//!
//! The limit is one of the kernel's for processes (RLIMIT_FSIZE): unlike a small file system it
//! needs no right to mount anything.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Command;

use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use tempfile::TempDir;

use super::database::Database;
use crate::support::postgres_url;

/// Room for the system's own tables and for a segment of the write-ahead log, which has 1 MiB.
const FILE_BYTES_MAX: u32 = 2 * 1024 * 1024;

pub(super) struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    setting: String,
}

impl Server {
    pub(super) fn start() -> Self {
        let server =
            Self { folder: tempfile::tempdir().unwrap(), programs: programs(), port: free_port() };
        let Self { folder, programs, port } = &server;
        let (place, programs) = (folder.path().display(), programs.display());
        if is_root() {
            run("chown", &["postgres", &place.to_string()]);
        }
        as_postgres(&format!(
            "'{programs}/initdb' -D '{place}/data' -A trust -U postgres -E UTF8 --locale=C \
             --wal-segsize=1 --no-sync"
        ));
        as_postgres(&format!(
            "prlimit --fsize={FILE_BYTES_MAX} '{programs}/pg_ctl' -D '{place}/data' -w \
             -l '{place}/log' -o '-p {port} -k {place} -c listen_addresses=127.0.0.1 \
             -c autovacuum=off -c max_connections=200' start"
        ));
        server
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let (place, programs) = (self.folder.path().display(), self.programs.display());
        let stop = format!("'{programs}/pg_ctl' -D '{place}/data' -m immediate stop");
        let _ = shell(&stop).output();
    }
}

/// Where the server that `tests/run` started has its programs.
fn programs() -> PathBuf {
    let asked = sql_query("SELECT setting FROM pg_config WHERE name = 'BINDIR'");
    let found: Setting = asked.get_result(&mut Database::at(&postgres_url()).connect()).unwrap();
    found.setting.into()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn as_postgres(command: &str) {
    let done = shell(command).output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
}

/// PostgreSQL refuses to run as root.
fn shell(command: &str) -> Command {
    let mut shell = Command::new(if is_root() { "su" } else { "sh" });
    if is_root() {
        shell.args(["postgres", "-s", "/bin/sh"]);
    }
    shell.args(["-c", command]).current_dir("/");
    shell
}

pub(super) fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output().unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
}
