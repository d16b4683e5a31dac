//! A PostgreSQL server that writes every statement with its parameters into its log.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub(crate) struct Postgres {
    place: TempDir,
    programs: PathBuf,
    port: u16,
}

/// Everything that could carry a value into the log, and no waiting for the disk.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c max_connections=100 -c log_statement=all \
    -c log_min_duration_statement=0 -c log_parameter_max_length_on_error=-1 -c fsync=off \
    -c log_min_messages=debug1 -c log_error_verbosity=verbose";

impl Postgres {
    pub(crate) fn start() -> Self {
        let server = Self::nowhere();
        let place = server.place.path().display();
        server.run(&format!("initdb -D {place}/data -A trust -U postgres -E UTF8 --locale=C"));
        server.go();
        server
    }

    fn nowhere() -> Self {
        let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .expect("tests/run installs PostgreSQL")
            .map(|entry| entry.unwrap().path().join("bin"))
            .collect();
        versions.sort();
        let server = Self {
            place: tempfile::tempdir().unwrap(),
            programs: versions.pop().unwrap(),
            port: free_port(),
        };
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(server.place.path()).status();
            assert!(owned.unwrap().success());
        }
        server
    }

    /// A copy of all files, as an operator takes a backup; it runs once it is told to.
    pub(crate) fn base_backup(&self) -> Self {
        let copy = Self::nowhere();
        let (port, place) = (self.port, copy.place.path().display());
        copy.run(&format!(
            "pg_basebackup -h 127.0.0.1 -p {port} -U postgres -D {place}/data -X stream -c fast"
        ));
        copy
    }

    pub(crate) fn go(&self) {
        let (port, place) = (self.port, self.place.path().display());
        self.run(&format!(
            "pg_ctl -D {place}/data -w -l {place}/log -o '-p {port} -k {place} {SETTINGS}' start"
        ));
    }

    /// The same URL for another server.
    pub(crate) fn instead_of(&self, other: &Self, url: &str) -> String {
        url.replace(&format!(":{}/", other.port), &format!(":{}/", self.port))
    }

    pub(crate) fn owner_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Holds data directory, write-ahead log and server log.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.place.path()
    }

    /// Everything in memory goes to the files.
    pub(crate) fn stop(&self) {
        self.run(&format!("pg_ctl -D {}/data -m fast -w stop", self.place.path().display()));
    }

    /// PostgreSQL refuses to run as root.
    fn run(&self, command: &str) {
        let command = format!("{}/{command}", self.programs.display());
        let mut shell = if is_root() { Command::new("su") } else { Command::new("sh") };
        if is_root() {
            shell.args(["postgres", "-s", "/bin/sh"]);
        }
        let ran = shell.args(["-c", &command]).stdout(Stdio::null()).status();
        assert!(ran.unwrap().success(), "{command}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.place.path().join("data/postmaster.pid").exists() {
            self.stop();
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
