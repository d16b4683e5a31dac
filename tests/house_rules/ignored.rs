//! A test that does not run says why.

use crate::house::{File, expect_none, rust_files};

#[test]
fn no_test_is_ignored_in_silence() {
    expect_none(&silent(&rust_files()));
}

fn silent(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines().map(str::trim)) {
            let ignores = line.starts_with("#[ignore")
                || line.starts_with("#[cfg_attr(") && line.contains(", ignore");
            if ignores && !line.contains("ignore = \"") {
                found.push(format!("{}:{number}: write `ignore = \"why\"`", file.path));
            }
        }
    }
    found
}

#[test]
fn a_planted_silence_is_found() {
    let lines = [
        "    #[ignore]",
        "#[cfg_attr(windows, ignore)]",
        "#[ignore = \"takes a minute\"]",
        "#[cfg_attr(windows, ignore = \"no such signal\")]",
        "// #[ignore] in a sentence",
    ];
    let file = File { path: "a.rs".to_owned(), text: lines.join("\n") };
    assert_eq!(silent(&[file]).len(), 2);
}
