//! The repository speaks of the house, not of the desk at which it was written.

use crate::house::{File, expect_none, files_under};

/// What does not belong here, and why.
const STRANGERS: [(&str, &str); 7] = [
    ("/work/", "a path of one machine"),
    ("/home/", "a path of one machine"),
    ("/Users/", "a path of one machine"),
    ("TODO", "an open point is an issue or a decision"),
    ("FIXME", "an open point is an issue or a decision"),
    ("helper", "say what it does"),
    ("assistant", "say who does it"),
];
/// Written by Cargo, or lists of such words.
const NOT_OURS: [&str; 3] =
    ["Cargo.lock", "tests/house_rules/names.rs", "tests/house_rules/repository.rs"];

#[test]
fn the_repository_speaks_of_the_house() {
    let mut files = files_under("");
    files.retain(|file| !NOT_OURS.contains(&file.path.as_str()));
    expect_none(&strangers(&files));
}

fn strangers(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for File { path, text } in files {
        for (number, line) in (1..).zip(text.lines()) {
            for (word, why) in STRANGERS.iter().filter(|(word, _)| line.contains(word)) {
                found.push(format!("{path}:{number}: {word}: {why}"));
            }
        }
    }
    found
}

#[test]
fn a_planted_stranger_is_found() {
    let file = |text: &str| [File { path: "a.md".to_owned(), text: text.to_owned() }];
    assert!(strangers(&file("The room works at home.")).is_empty());
    assert_eq!(strangers(&file("See /home/me/a.txt.\nTODO: mend.")).len(), 2);
}
