//! Looks through folders and through the memory of running processes.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::needles::{Needles, Secret};

/// What was found, and how much was looked at.
#[derive(Default)]
pub(crate) struct Searched {
    pub(crate) found: Vec<String>,
    pub(crate) bytes: usize,
}

impl Searched {
    pub(crate) fn add(&mut self, place: &str, needles: &Needles, hay: &[u8]) {
        self.bytes += hay.len();
        for what in needles.find(hay) {
            let line = format!("{place}: {what}");
            if !self.found.contains(&line) {
                self.found.push(line);
            }
        }
    }

    /// Fails with everything that was found.
    #[track_caller]
    pub(crate) fn expect_nothing(&self) {
        assert!(self.bytes > 0, "nothing was looked at");
        assert!(self.found.is_empty(), "\n{}\n", self.found.join("\n"));
    }

    #[track_caller]
    pub(crate) fn expect_something(&self, place: &str) {
        assert!(!self.found.is_empty(), "{place}: what is there was not found");
    }

    /// Fails with what else was found; what must be there proves that the search can find.
    #[track_caller]
    pub(crate) fn expect_only(&mut self, present: &Secret, place: &str) {
        let what = format!(": {}, as ", present.what);
        let is_there = self.found.iter().any(|line| line.contains(&what));
        assert!(is_there, "{place}: what is there was not found");
        self.found.retain(|line| !line.contains(&what));
        self.expect_nothing();
    }
}

/// Names and contents of all files under a folder.
pub(crate) fn folder(needles: &Needles, folder: &Path) -> Searched {
    let mut searched = Searched::default();
    for path in files(folder) {
        let place = path.display().to_string();
        searched.add(&format!("name of {place}"), needles, place.as_bytes());
        // A file may go while others are read: a journal, a temporary file.
        let bytes = fs::read(&path).unwrap_or_default();
        searched.add(&place, needles, &bytes);
    }
    searched
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found
}

const CHUNK: usize = 1 << 20;

/// All memory that the process can write to, while it stands still.
pub(crate) fn memory(needles: &Needles, whose: &str, pid: u32) -> Searched {
    signal("STOP", pid);
    let mut searched = Searched::default();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut bytes = vec![0; CHUNK + needles.longest()];
    for (from, to, name) in writable(pid) {
        let mut at = from;
        while at < to {
            let wanted = bytes.len().min(usize::try_from(to - at).unwrap());
            // Some regions are the kernel's own and can't be read.
            let Ok(read) = memory.read_at(&mut bytes[..wanted], at) else { break };
            searched.add(&format!("memory of {whose} {name}"), needles, &bytes[..read]);
            at += u64::try_from(CHUNK).unwrap();
        }
    }
    signal("CONT", pid);
    searched
}

/// Beginning, end and name of each region.
fn writable(pid: u32) -> Vec<(u64, u64, String)> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let region = |line: &str| {
        let mut words = line.split_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let is_writable = words.next()?.starts_with("rw");
        let address = |text| u64::from_str_radix(text, 16).ok();
        let name = words.nth(3).unwrap_or("(anonymous)").to_owned();
        is_writable.then_some((address(from)?, address(to)?, name))
    };
    maps.lines().filter_map(region).collect()
}

/// Command line and environment, which every user of the machine, or every child, may read.
pub(crate) fn start_of_process(needles: &Needles, whose: &str, pid: u32) -> Searched {
    let mut searched = Searched::default();
    for file in ["cmdline", "environ"] {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap();
        searched.add(&format!("{file} of {whose}"), needles, &bytes);
    }
    searched
}

pub(crate) fn signal(signal: &str, pid: u32) {
    let sent = Command::new("kill").args(["-s", signal, &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}
