//! Damage in the files of an export itself, and the command that verifies it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use audit::Evidence;
use audit::Kind::{self, *};
use serde_json::Value;
use tempfile::TempDir;

use super::copies::{self, found, joined};
use super::master::{Master, on_both, witness_file};
use super::oracle;

/// The same program that `cargo run` starts.
const WATARI: &str = env!("CARGO_BIN_EXE_watari-tested");

struct Damage {
    name: &'static str,
    plant: fn(&Path, &Master),
    expected: fn(&Master) -> Vec<(Kind, u64, u64)>,
}

const DAMAGES: [Damage; 7] = [
    Damage {
        name: "a byte of a body",
        plant: |export, _| {
            change(&export.join("tile/entries/000"), |bytes| {
                let place = bytes.windows(5).position(|window| window == b"clerk").unwrap();
                bytes[place] ^= 1;
            });
        },
        expected: |_| vec![(Edited, 0, 1)],
    },
    Damage {
        name: "a byte of a tile",
        plant: |export, _| change(&export.join("tile/0/000"), |bytes| bytes[77] ^= 1),
        expected: |_| vec![(DamagedTile, 0, 256)],
    },
    Damage {
        name: "a byte of the tile above",
        plant: |export, _| change(&export.join("tile/1/000.p/1"), |bytes| bytes[7] ^= 1),
        expected: |master| vec![(DamagedTile, 0, master.size)],
    },
    Damage {
        name: "a byte of the partial tile",
        plant: |export, master| {
            change(&export.join(format!("tile/0/001.p/{}", master.size - 256)), |b| b[7] ^= 1);
        },
        expected: |master| vec![(DamagedTile, 256, master.size)],
    },
    Damage {
        name: "no tiles",
        plant: |export, _| fs::remove_dir_all(export.join("tile/0")).unwrap(),
        expected: |master| vec![(DamagedTile, 0, master.size)],
    },
    Damage {
        name: "a bundle that ends too early",
        plant: |export, _| {
            let path = export.join("tile/entries/000");
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        },
        expected: |_| vec![(Unreadable, 255, 256)],
    },
    Damage {
        name: "no last bundle",
        plant: |export, _| fs::remove_dir_all(export.join("tile/entries/001.p")).unwrap(),
        expected: |master| vec![(Truncated, 256, master.size)],
    },
];

fn change(path: &Path, change: impl FnOnce(&mut [u8])) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn damage_in_an_exports_files_is_named_by_both_verifiers() {
    on_both(|master| {
        let folder = TempDir::new().unwrap();
        for damage in &DAMAGES {
            let export = master.copy().export(&folder);
            (damage.plant)(&export, master);
            let expected = joined((damage.expected)(master));
            let mut source = audit::Export::open(&export).unwrap();
            let ours = copies::verify(&mut source, &master.trust, Evidence::default());
            assert_eq!(found(&ours), expected, "{}", damage.name);
            let (_, theirs) = oracle::verify(&export, &master.trust, &[]);
            assert_eq!(theirs, expected, "{}, by the second verifier", damage.name);
        }
    });
}

#[test]
fn the_command_says_the_same_and_its_exit_code_as_well() {
    on_both(|master| {
        let folder = TempDir::new().unwrap();
        let export = master.copy().export(&folder);
        let (code, report) = command(master, &export, &[]);
        assert_eq!((code, report["sound"].as_bool()), (Some(0), Some(true)));
        let notes = master.witness(&master.copy(), &[60, master.size]);
        let seen = witness_file(&folder, &notes);
        let told = ["--witness", seen.to_str().unwrap()];
        assert_eq!(command(master, &export, &told).0, Some(0));
        change(&export.join("tile/entries/000"), |bytes| bytes[300] ^= 1);
        let (code, report) = command(master, &export, &told);
        assert_eq!((code, &report["findings"][0]["kind"]), (Some(1), &Value::from("edited")));
        assert_eq!(command(master, &folder.path().join("nowhere"), &[]).0, Some(2));
    });
}

fn command(master: &Master, export: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(WATARI);
    command.args(["log", "verify", "--json"]).arg(export).args(more);
    for key in &master.trust.log {
        command.arg("--log-key").arg(key.to_string());
    }
    for key in &master.trust.witnesses {
        command.arg("--witness-key").arg(key.to_string());
    }
    for key in &master.trust.custodians {
        command.arg("--custodian").arg(key.to_string());
    }
    let Output { status, stdout, .. } = command.output().unwrap();
    (status.code(), serde_json::from_slice(&stdout).unwrap_or_default())
}
