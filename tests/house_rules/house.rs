//! The repository as the rules read it.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository; `path` counts from its root.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Built, run or version-controlled, not written by us.
const NOT_SOURCES: [&str; 3] = [".git", "target", "data"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The file's text; a rule that needs a file fails without it.
pub(crate) fn read(path: &str) -> String {
    let found = fs::read_to_string(root().join(path));
    assert!(found.is_ok(), "{path} is missing: write it, a rule of the house reads it");
    found.unwrap()
}

/// Every text file under a folder, in the order of their paths; "" is the root.
pub(crate) fn files_under(folder: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for (path, full) in entries(&folder) {
            if full.is_dir() {
                folders.push(full);
            } else if let Ok(text) = fs::read_to_string(&full) {
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every Rust file: what ships, its tests, and these rules.
pub(crate) fn rust_files() -> Vec<File> {
    let all = ["shared", "services", "tests"].into_iter().flat_map(files_under);
    all.filter(|file| file.path.ends_with(".rs")).collect()
}

/// The Rust files that end up in the executable, with the unit tests beside them.
pub(crate) fn shipped_files() -> Vec<File> {
    rust_files().into_iter().filter(|file| file.path.contains("/src/")).collect()
}

/// The folder of every crate.
pub(crate) fn rooms() -> Vec<String> {
    let folders =
        ["shared", "services"].into_iter().flat_map(|folder| entries(&root().join(folder)));
    let rooms = folders.filter(|(_, full)| full.is_dir()).map(|(path, _)| path);
    rooms.chain(["tests".to_owned()]).collect()
}

/// The folder of every service that has a database.
pub(crate) fn services_with_tables() -> Vec<String> {
    let mut services = rooms();
    services.retain(|room| root().join(room).join("migrations").is_dir());
    services
}

/// Whether the text names this word, not merely a longer one.
pub(crate) fn names(text: &str, word: &str) -> bool {
    let goes_on = |left: Option<char>, right: Option<char>| {
        [left, right].iter().all(|c| c.is_some_and(|c| c.is_alphanumeric() || c == '_'))
    };
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|tail| tail.chars().next());
        !goes_on(before, word.chars().next()) && !goes_on(word.chars().next_back(), after)
    })
}

/// Fails with all complaints at once, so that one run shows everything there is to mend.
#[track_caller]
pub(crate) fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<(String, PathBuf)> =
        entries.map(|full| (from_root(&full), full)).filter(|(path, _)| is_source(path)).collect();
    entries.sort();
    entries
}

fn from_root(full: &Path) -> String {
    full.strip_prefix(root()).unwrap().display().to_string().replace('\\', "/")
}

fn is_source(path: &str) -> bool {
    !NOT_SOURCES.contains(&path) && !path.contains(".db")
}

#[test]
fn a_word_is_not_found_inside_a_longer_one() {
    assert!(names("use hmac::Hmac;", "hmac") && names("x.reveal()", ".reveal()"));
    assert!(!names("hmac_key", "hmac") && !names("my_hmac", "hmac") && !names("Hmac", "hmac"));
}
