//! The example configuration is true: it parses, it is complete, and what it shows as a default is
//! the default.

#![expect(clippy::unwrap_used, reason = "a test should stop at once")]

use std::collections::BTreeSet;
use std::path::Path;

use watari::Settings;

const EXAMPLE: &str = include_str!("../../../deploy/watari.example.toml");

fn parse(text: &str) -> Settings {
    Settings::parse(text, Path::new("/etc/watari")).unwrap()
}

fn is_absent(line: &str) -> bool {
    let name =
        line.strip_prefix("# ").and_then(|rest| rest.split_once(" = ")).map(|(name, _)| name);
    name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}

#[test]
fn shown_defaults_are_the_defaults() {
    let is_kept = |line: &&str| {
        line.starts_with('[') || line.ends_with("# required") || line.ends_with("# example")
    };
    let least: String = EXAMPLE.lines().filter(is_kept).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(format!("{:#?}", parse(EXAMPLE)), format!("{:#?}", parse(&least)));
}

#[test]
fn every_required_line_is_required() {
    for required in EXAMPLE.lines().filter(|line| line.ends_with("# required")) {
        let without = EXAMPLE.replacen(&format!("{required}\n"), "", 1);
        assert!(Settings::parse(&without, Path::new("/")).is_err(), "{required}");
    }
}

#[test]
fn absent_fields_are_fields_and_no_field_is_missing() {
    let with_absent: String = EXAMPLE
        .lines()
        .map(|line| if is_absent(line) { &line[2..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    let shown = format!("{:?}", parse(&with_absent));
    let words = shown.split([' ', '{', '(', '[']);
    let fields: BTreeSet<_> = words.filter_map(|word| word.strip_suffix(':')).collect();
    assert!(fields.contains("otlp_endpoint") && fields.contains("answer_kept_s"), "{fields:?}");
    // Not a field of the file, and a name that is spelt otherwise there.
    for field in fields.into_iter().filter(|field| !["folder", "provision_log"].contains(field)) {
        let is_there = [format!("\n{field} = "), format!("\n# {field} = "), format!("[{field}]")]
            .iter()
            .any(|way| EXAMPLE.contains(way))
            || EXAMPLE.contains(&format!(".{field}]"));
        assert!(is_there, "deploy/watari.example.toml does not mention `{field}`");
    }
}
