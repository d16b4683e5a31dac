//! A decision is one page: context, decision, consequences.

use crate::house::{File, expect_none, files_under};

const FOLDER: &str = "docs/decisions/";
const HEADINGS: [&str; 3] = ["## Context", "## Decision", "## Consequences"];

#[test]
fn every_decision_says_why_what_and_what_follows() {
    let mut files = files_under("docs");
    files.retain(|file| file.path.starts_with(FOLDER) && file.path.ends_with(".md"));
    expect_none(&incomplete(&files));
}

fn incomplete(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    let mut numbers = Vec::new();
    for File { path, text } in files {
        let name = path.rsplit('/').next().unwrap_or_default();
        let number = name.split('-').next().unwrap_or_default();
        if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push(format!("{path}: name it NNNN-what-was-decided.md"));
        }
        if numbers.contains(&number) {
            found.push(format!("{path}: the number {number} is taken"));
        }
        numbers.push(number);
        let headings: Vec<&str> = text.lines().filter(|line| HEADINGS.contains(line)).collect();
        if headings != HEADINGS {
            found.push(format!("{path}: write {HEADINGS:?}, once each, in this order"));
        }
    }
    found
}

#[test]
fn planted_half_decisions_are_found() {
    let file =
        |name: &str, text: &str| File { path: format!("{FOLDER}{name}"), text: text.to_owned() };
    let whole = "# Why\n\n## Context\nA\n## Decision\nB\n## Consequences\nC\n";
    assert!(incomplete(&[file("0001-a.md", whole), file("0002-b.md", whole)]).is_empty());
    assert_eq!(incomplete(&[file("0001-a.md", &whole.replace("## Context", ""))]).len(), 1);
    assert_eq!(incomplete(&[file("notes.md", whole)]).len(), 1);
    assert_eq!(incomplete(&[file("0001-a.md", whole), file("0001-b.md", whole)]).len(), 1);
}
