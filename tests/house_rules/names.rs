//! Files are named after nouns and verbs of the trade.

use crate::house::{expect_none, rust_files};

/// Names that say nothing, so that everything ends up there.
const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "impl", "manager", "util", "utils"];

#[test]
fn no_file_is_a_drawer_for_everything() {
    let paths: Vec<String> = rust_files().into_iter().map(|file| file.path).collect();
    expect_none(&drawers(&paths));
}

fn drawers(paths: &[String]) -> Vec<String> {
    let is_empty = |path: &&String| path.split(['/', '.']).any(|name| EMPTY_NAMES.contains(&name));
    let found = paths.iter().filter(is_empty);
    found.map(|path| format!("{path}: name it after the noun or the verb it holds")).collect()
}

#[test]
fn a_planted_drawer_is_found() {
    let paths = ["shared/db/src/utils.rs", "services/common/src/lib.rs", "shared/db/src/tx.rs"];
    assert_eq!(drawers(&paths.map(str::to_owned)).len(), 2);
}
