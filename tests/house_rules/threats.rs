//! Every test that the list of threats names is there.

use crate::house::{expect_none, files_under, read};

#[test]
fn every_test_that_stops_a_threat_exists() {
    let sources: String = files_under("")
        .into_iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| file.text)
        .collect();
    let threats = read("docs/THREATS.md");
    assert!(tests_named(&threats).count() > 40, "docs/THREATS.md names hardly any tests");
    expect_none(&lost(&threats, &sources));
}

/// Long words in backticks with underscores: that is how our tests are called.
fn tests_named(threats: &str) -> impl Iterator<Item = &str> {
    let words = threats.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    words.filter(|word| {
        word.len() > 12
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
    })
}

fn lost(threats: &str, sources: &str) -> Vec<String> {
    let is_lost = |name: &&str| !sources.contains(&format!("fn {name}("));
    let complain = |name| format!("docs/THREATS.md: there is no test `{name}`");
    tests_named(threats).filter(is_lost).map(complain).collect()
}

#[test]
fn a_planted_lost_test_is_found() {
    let threats = "| a | b | `nobody_does_this_any_more` `nobody_does_that_any_more` |";
    let found = lost(threats, "fn nobody_does_that_any_more() {}");
    assert_eq!(found, ["docs/THREATS.md: there is no test `nobody_does_this_any_more`"]);
}
