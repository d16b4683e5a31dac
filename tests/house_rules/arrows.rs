//! Who may depend on whom; see the picture in `docs/ARCHITECTURE.md`.

use toml::{Table, Value};

use crate::house::{expect_none, read, rooms};

/// A room's folder and the rooms it may name in its `Cargo.toml`.
const ARROWS: [(&str, &[&str]); 27] = [
    ("shared/domain", &[]),
    ("shared/crypto", &["domain"]),
    ("shared/ledger", &[]),
    ("shared/db", &[]),
    ("shared/wire", &["domain"]),
    ("shared/screen", &[]),
    ("shared/cast", &["domain", "wire"]),
    ("shared/device", &["crypto", "domain", "wire"]),
    ("shared/interchange", &["domain"]),
    ("shared/audit", &["domain", "ledger", "wire"]),
    ("shared/auditor", &["audit", "crypto", "domain", "ledger", "wire"]),
    ("shared/service", &["crypto", "db", "domain", "wire"]),
    ("shared/room", &["crypto", "db", "domain", "ledger", "service", "wire"]),
    ("shared/quality", &["domain"]),
    ("shared/imports", &ROOM_WORK),
    (
        "shared/captures",
        // Doubtful captures go to the desk where doubtful rows of files wait, too.
        &["crypto", "db", "device", "domain", "imports", "quality", "room", "service", "wire"],
    ),
    ("shared/records", &ROOM_WORK),
    ("shared/erasure", &ROOM_WORK),
    (
        "shared/exports",
        // What waits at the desk of doubtful rows is part of a person's disclosure, too.
        &["crypto", "db", "domain", "imports", "interchange", "ledger", "room", "service", "wire"],
    ),
    ("shared/asking", &ROOM_WORK),
    ("services/registry", &["crypto", "db", "domain", "ledger", "service", "wire"]),
    (
        "services/partition",
        &[
            "asking",
            "captures",
            "crypto",
            "db",
            "domain",
            "erasure",
            "exports",
            "imports",
            "interchange",
            "ledger",
            "quality",
            "records",
            "room",
            "service",
            "wire",
        ],
    ),
    ("services/provision-log", &["audit", "crypto", "db", "domain", "ledger", "service", "wire"]),
    // No database, no log of its own; of `crypto` only what verifies (see the fences).
    ("services/broker", &["crypto", "domain", "service", "wire"]),
    // Holds no key and opens nothing.
    ("services/intake", &["db", "domain", "service", "wire"]),
    ("services/watari", &EVERY_SERVICE),
    ("tests", &EVERYTHING),
];

/// What is done in rooms, by topic; none knows the other.
const ROOM_WORK: [&str; 9] =
    ["crypto", "db", "domain", "interchange", "ledger", "quality", "room", "service", "wire"];

const EVERY_SERVICE: [&str; 20] = [
    "audit",
    "auditor",
    "broker",
    "cast",
    "crypto",
    "db",
    "device",
    "domain",
    // A bench drives imports without HTTP.
    "imports",
    "intake",
    "interchange",
    "ledger",
    "partition",
    "provision-log",
    "quality",
    "registry",
    "room",
    "screen",
    "service",
    "wire",
];

const EVERYTHING: [&str; 26] = [
    "asking",
    "audit",
    "auditor",
    "broker",
    "captures",
    "cast",
    "crypto",
    "db",
    "device",
    "domain",
    "erasure",
    "exports",
    "imports",
    "intake",
    "interchange",
    "ledger",
    "partition",
    "provision-log",
    "quality",
    "records",
    "registry",
    "room",
    "screen",
    "service",
    "watari",
    "wire",
];

#[test]
fn every_room_has_its_arrows_written_down() {
    let rooms = rooms();
    for room in &rooms {
        let is_known = ARROWS.iter().any(|(path, _)| path == room);
        assert!(is_known, "{room} is new: say in ARROWS what it may depend on");
    }
    for (path, _) in ARROWS {
        assert!(rooms.iter().any(|room| room == path), "{path} is gone: take it out of ARROWS");
    }
}

#[test]
fn arrows_point_one_way() {
    let complaints = ARROWS.iter().flat_map(|(path, allowed)| {
        wrong_arrows(path, &read(&format!("{path}/Cargo.toml")), allowed)
    });
    expect_none(&complaints.collect::<Vec<_>>());
}

fn wrong_arrows(path: &str, manifest: &str, allowed: &[&str]) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap();
    let wrong = |name: &&str| {
        is_room(name) && !allowed.contains(name) && path.rsplit('/').next() != Some(*name)
    };
    let named = dependencies(&manifest);
    let wrong = named.iter().map(String::as_str).filter(wrong);
    wrong
        .map(|name| format!("{path}/Cargo.toml: `{name}` may not be used from here; see ARROWS"))
        .collect()
}

/// Every crate the manifest depends on, by the name it was published under.
pub(crate) fn dependencies(manifest: &Table) -> Vec<String> {
    let lists = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut found = Vec::new();
    for list in lists.iter().filter_map(|list| manifest.get(*list)?.as_table()) {
        for (name, how) in list {
            found.push(how.get("package").and_then(Value::as_str).unwrap_or(name).to_owned());
        }
    }
    let targets = manifest.get("target").and_then(Value::as_table);
    for target in targets.iter().flat_map(|targets| targets.values()).filter_map(Value::as_table) {
        found.extend(dependencies(target));
    }
    found
}

fn is_room(name: &str) -> bool {
    ARROWS.iter().any(|(path, _)| path.rsplit('/').next() == Some(name))
}

#[test]
fn a_planted_arrow_is_found_wherever_it_is_written() {
    for planted in [
        "[dependencies]\ndb.workspace = true",
        "[dev-dependencies]\ndb = { workspace = true, features = ['test-support'] }",
        "[dependencies]\nstorage = { path = '../../shared/db', package = 'db' }",
        "[target.'cfg(unix)'.dependencies]\ndb.workspace = true",
    ] {
        assert_eq!(wrong_arrows("services/broker", planted, &["domain"]).len(), 1, "{planted}");
    }
    let own = "[dependencies]\ndomain.workspace = true\nserde.workspace = true\n\
               [dev-dependencies]\nbroker = { path = '.' }";
    assert!(wrong_arrows("services/broker", own, &["domain"]).is_empty());
}
