//! Whoever follows a walk of `docs/ARCHITECTURE.md` finds each place it names.

use crate::house::{File, expect_none, files_under, read};

const DOCUMENT: &str = "docs/ARCHITECTURE.md";

#[test]
fn every_place_that_the_walks_name_is_there() {
    let mut files = files_under("shared");
    files.extend(files_under("services"));
    files.retain(|file| file.path.ends_with(".rs"));
    expect_none(&missing(&read(DOCUMENT), &files));
}

/// Each `module::name` is a function, a type or a file, in a file or folder of that module.
fn missing(document: &str, files: &[File]) -> Vec<String> {
    let quoted = document.split('`').skip(1).step_by(2);
    let mut found = Vec::new();
    for place in quoted.filter(|quoted| quoted.contains("::") && !quoted.contains(' ')) {
        let mut steps = place.rsplit("::");
        let (Some(name), Some(module)) = (steps.next(), steps.next()) else { continue };
        let folder = module.replace('_', "-");
        let is_there = files.iter().any(|file| {
            let parts: Vec<&str> = file.path.trim_end_matches(".rs").split('/').collect();
            let is_of_module = parts.iter().any(|part| *part == module || *part == folder);
            let is_file = parts.last() == Some(&name);
            let words = ["fn", "struct", "enum", "trait", "mod"];
            let is_defined = words.iter().any(|word| defines(&file.text, word, name));
            let is_type = module.starts_with(char::is_uppercase) && file.text.contains(module);
            (is_of_module && (is_file || is_defined)) || (is_type && is_defined)
        });
        if !is_there {
            found.push(format!("{DOCUMENT} names {place}, which is nowhere"));
        }
    }
    found
}

fn defines(text: &str, word: &str, name: &str) -> bool {
    let start = format!("{word} {name}");
    text.match_indices(&start).any(|(place, _)| {
        let next = text[place + start.len()..].chars().next();
        next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
    })
}

#[test]
fn planted_places_that_are_gone_are_found() {
    let file =
        File { path: "shared/room/src/change.rs".to_owned(), text: "pub fn tell(".to_owned() };
    let files = [file];
    assert!(missing("see `change::tell` and `room::change`", &files).is_empty());
    assert_eq!(missing("see `change::te` and `other::tell` and `room::gone`", &files).len(), 3);
}
