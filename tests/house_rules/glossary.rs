//! The glossary speaks of the code as it is.

use crate::house::{expect_none, names, read, shipped_files};

const FILE: &str = "docs/GLOSSARY.md";

#[test]
fn every_word_of_the_glossary_is_in_the_code() {
    let code: String = shipped_files().into_iter().map(|file| file.text).collect();
    let text = read(FILE);
    assert!(words(&text).len() > 20, "{FILE}: a word of the code is `so` in the first cell");
    expect_none(&unknown(&words(&text), &code));
}

/// The words in backticks in the first cell of a table's row.
fn words(text: &str) -> Vec<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

fn unknown(words: &[&str], code: &str) -> Vec<String> {
    let unknown = words.iter().filter(|word| !names(code, word));
    unknown
        .map(|word| format!("{FILE}: the code knows no `{word}`; take it out or rename"))
        .collect()
}

#[test]
fn a_planted_word_is_found() {
    let table =
        "| code | 日本語 |\n|---|---|\n| `Subject`, `flags` | a `person` |\n| plain | b |\n";
    assert_eq!(words(table), ["Subject", "flags"]);
    assert_eq!(unknown(&words(table), "struct Subject { flag: bool }").len(), 1);
}
