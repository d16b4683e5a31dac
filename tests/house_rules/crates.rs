//! Every crate says what it promises and obeys the workspace's lints.

use toml::{Table, Value};

use crate::house::{expect_none, read, rooms};

/// Without these, a rule of the house would be a wish.
const FIRM_LINTS: [(&str, &str, &str); 14] = [
    ("rust", "unsafe_code", "forbid"),
    ("clippy", "allow_attributes", "deny"),
    ("clippy", "as_conversions", "deny"),
    ("clippy", "dbg_macro", "deny"),
    ("clippy", "disallowed_methods", "deny"),
    ("clippy", "expect_used", "deny"),
    ("clippy", "indexing_slicing", "deny"),
    ("clippy", "print_stderr", "deny"),
    ("clippy", "print_stdout", "deny"),
    ("clippy", "todo", "deny"),
    ("clippy", "too_many_arguments", "deny"),
    ("clippy", "too_many_lines", "deny"),
    ("clippy", "unwrap_used", "deny"),
    ("rust", "unreachable_pub", "warn"),
];

#[test]
fn every_library_begins_with_its_promises() {
    let libraries = rooms().into_iter().filter(|room| room != "tests");
    let paths = libraries.map(|room| format!("{room}/src/lib.rs"));
    expect_none(&paths.filter_map(|path| silence(&path, &read(&path))).collect::<Vec<_>>());
}

#[test]
fn every_manifest_obeys_the_workspace() {
    let paths = rooms().into_iter().map(|room| format!("{room}/Cargo.toml"));
    expect_none(&paths.flat_map(|path| strayed(&path, &read(&path))).collect::<Vec<_>>());
}

#[test]
fn the_lints_are_firm() {
    expect_none(&soft_lints(&read("Cargo.toml")));
}

fn silence(path: &str, text: &str) -> Option<String> {
    let doc: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    let promises = doc.iter().any(|line| line.starts_with("//! Invariant:"));
    (!promises).then(|| {
        format!("{path}: begin with what it is for, then `//! Invariant: …`, what it promises")
    })
}

/// Lints and versions are decided in one place.
fn strayed(path: &str, manifest: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap();
    let follows = |value: &Value| value.get("workspace").and_then(Value::as_bool) == Some(true);
    let mut found = Vec::new();
    if !manifest.get("lints").is_some_and(follows) {
        found.push(format!("{path}: write `[lints] workspace = true`"));
    }
    for list in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (name, how) in manifest.get(list).and_then(Value::as_table).into_iter().flatten() {
            // A crate switches on its own features for its tests.
            let is_itself = how.get("path").and_then(Value::as_str) == Some(".");
            if !follows(how) && !is_itself {
                found.push(format!(
                    "{path}: `{name}` belongs in the root, here `.workspace = true`"
                ));
            }
        }
    }
    found
}

fn soft_lints(manifest: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap();
    let lints = manifest.get("workspace").and_then(|workspace| workspace.get("lints"));
    let level = |tool: &str, lint: &str| lints?.get(tool)?.get(lint)?.as_str();
    let soft = FIRM_LINTS.iter().filter(|(tool, lint, want)| level(tool, lint) != Some(want));
    soft.map(|(tool, lint, want)| format!("Cargo.toml: {tool} lint {lint} = \"{want}\"")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_silence_is_found() {
        assert!(silence("lib.rs", "//! Does.\n//!\n//! Invariant: never.\n").is_none());
        assert!(silence("lib.rs", "//! Does.\nmod a;\n//! Invariant: too late.\n").is_some());
        assert!(silence("lib.rs", "mod a;\n").is_some());
    }

    #[test]
    fn a_planted_stray_is_found() {
        let lints = "[lints]\nworkspace = true\n";
        let own = "[dependencies]\nserde.workspace = true\n[dev-dependencies]\ndb = { path = '.' }";
        assert!(strayed("a", &format!("{lints}{own}")).is_empty());
        assert_eq!(strayed("a", own).len(), 1);
        assert_eq!(strayed("a", "[lints.clippy]\nunwrap_used = 'allow'\n").len(), 1);
        assert_eq!(strayed("a", &format!("{lints}[dependencies]\nserde = '1'")).len(), 1);
    }

    #[test]
    fn a_planted_soft_lint_is_found() {
        let root = read("Cargo.toml");
        assert_eq!(soft_lints(&root.replace("unsafe_code = \"forbid\"", "")).len(), 1);
        assert_eq!(soft_lints("").len(), FIRM_LINTS.len());
    }
}
