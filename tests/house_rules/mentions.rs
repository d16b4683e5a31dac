//! What the documents name is there.

use crate::house::{File, expect_none, files_under, read};

/// A word in backticks with such an ending is the path of a file, or its last part.
const ENDINGS: [&str; 3] = [".rs", ".sql", ".toml"];
/// Such a word stands for many files.
const PATTERNS: [char; 5] = ['*', '<', '{', '…', ' '];
/// Written by the program on the machine it runs on, see `shared/cast/src/layout.rs`.
const MADE_BY_THE_PROGRAM: [&str; 2] = ["passwords.toml", "watari.toml"];

#[test]
fn every_file_that_a_document_names_exists() {
    let paths: Vec<String> = files_under("").into_iter().map(|file| file.path).collect();
    let complaints = documents().into_iter().flat_map(|document| {
        let mut found = lost_names(&document, &paths);
        found.extend(lost_links(&document, &paths));
        found
    });
    expect_none(&complaints.collect::<Vec<_>>());
}

#[test]
fn the_test_command_is_the_one_that_is_run_for_every_change() {
    let ci = read(".ci/run");
    for path in ["README.md", "README.ja.md"] {
        expect_none(&other_command(path, &read(path), &ci).into_iter().collect::<Vec<_>>());
    }
}

fn documents() -> Vec<File> {
    let mut files = files_under("");
    files.retain(|File { path, .. }| {
        path.ends_with(".md") && (path.starts_with("docs/") || path.starts_with("README"))
    });
    files
}

fn lost_names(document: &File, paths: &[String]) -> Vec<String> {
    let prose = without_blocks(&document.text);
    let is_path = |word: &&str| {
        ENDINGS.iter().any(|ending| word.ends_with(ending) && word.len() > ending.len())
            && !word.contains(PATTERNS)
            && !MADE_BY_THE_PROGRAM.contains(&word.rsplit('/').next().unwrap_or_default())
    };
    let is_there = |word: &str| paths.iter().any(|path| is_end_of(word, path));
    let words = prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let lost = words.filter(is_path).filter(|word| !is_there(word));
    lost.map(|word| format!("{}: there is no `{word}`", document.path)).collect()
}

fn is_end_of(word: &str, path: &str) -> bool {
    path.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

fn lost_links(document: &File, paths: &[String]) -> Vec<String> {
    let prose = without_blocks(&document.text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|to| !to.contains("://") && !to.starts_with('#'));
    let files = inside.map(|to| to.split('#').next().unwrap_or_default());
    let lost = files.filter(|to| {
        let target = resolve(&document.path, to);
        !paths.iter().any(|path| *path == target || path.starts_with(&format!("{target}/")))
    });
    lost.map(|to| format!("{}: the link to {to} leads nowhere", document.path)).collect()
}

/// The path from the root of a link written in a document.
fn resolve(document: &str, link: &str) -> String {
    let mut steps: Vec<&str> = document.split('/').collect();
    steps.pop();
    for step in link.trim_end_matches('/').split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// The text without blocks of code, which may show what is made on another machine.
fn without_blocks(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// The command is a line of its own, in a block.
fn other_command(path: &str, readme: &str, ci: &str) -> Option<String> {
    let command = ci.lines().rev().find_map(|line| line.strip_prefix("exec "));
    let command = command.unwrap_or_default().trim();
    let blocks = readme.split("\n```").skip(1).step_by(2);
    let is_shown = blocks.flat_map(str::lines).any(|line| line.trim() == command);
    (command.is_empty() || !is_shown).then(|| {
        format!("{path}: show the command that .ci/run runs, `{command}`, as a line of its own")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> File {
        File { path: "docs/ARCHITECTURE.md".to_owned(), text: text.to_owned() }
    }

    fn paths() -> Vec<String> {
        ["README.md", "docs/columns.toml", "services/broker/src/route.rs"].map(str::to_owned).into()
    }

    #[test]
    fn a_planted_lost_name_is_found() {
        let good = "`services/broker/src/route.rs`, `route.rs`, `docs/columns.toml`, `*.rs`, `.rs`,\n\
                    `data/watari.toml`\n```\n`made.toml`\n```\n";
        assert!(lost_names(&document(good), &paths()).is_empty());
        let bad = "`services/broker/src/routed.rs` `oute.rs` and `up.sql`";
        assert_eq!(lost_names(&document(bad), &paths()).len(), 3);
    }

    #[test]
    fn a_planted_lost_link_is_found() {
        let good = "[a](columns.toml) [b](../README.md#map) [c](https://example.jp) [d](#here)\n\
                    [e](../services/broker/)";
        assert!(lost_links(&document(good), &paths()).is_empty());
        assert_eq!(lost_links(&document("[a](README.md) [b](lost/)"), &paths()).len(), 2);
    }

    #[test]
    fn a_planted_other_command_is_found() {
        let ci = "#!/bin/sh\ncd ..\nexec tests/run\n";
        assert!(other_command("README.md", "Run\n\n```sh\ntests/run\n```\n", ci).is_none());
        assert!(other_command("README.md", "Run\n\n```sh\ncargo test\n```\n", ci).is_some());
        assert!(other_command("README.md", "Run tests/run\n", ci).is_some());
        assert!(other_command("README.md", "\n```\n\n```\n", "echo fine\n").is_some());
    }
}
