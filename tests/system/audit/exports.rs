//! Damage in the files of an export itself, and the command that verifies it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audit::Evidence;
use audit::Kind::{self, *};
use serde_json::Value;
use tempfile::TempDir;

use super::copies::{self, Found, found, joined};
use super::master::{Master, on_both, witness_file};
use super::oracle;

/// The same program that `cargo run` starts.
const WATARI: &str = env!("CARGO_BIN_EXE_watari-tested");

/// Bits that are flipped, one after the other.
const FLIPS: usize = 20;

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

/// Whatever bit of an export is another, the two verifiers say the same of it.
#[test]
fn the_verifiers_agree_about_any_flipped_bit() {
    on_both(|master| {
        let folder = TempDir::new().unwrap();
        let export = master.copy().export(&folder);
        let mut files = Vec::new();
        list(&export, &mut files);
        files.sort();
        let mut random = Random(master.size);
        for _ in 0..FLIPS {
            let file = &files[random.below(files.len())];
            let whole = fs::read(file).unwrap();
            let (place, bit) = (random.below(whole.len()), random.below(8));
            change(file, |bytes| bytes[place] ^= 1 << bit);
            let name = format!("bit {bit} of byte {place} of {}", file.display());
            let mut source = audit::Export::open(&export).unwrap();
            let ours = copies::verify(&mut source, &master.trust, Evidence::default());
            let (_, theirs) = oracle::verify(&export, &master.trust, &[]);
            // Which size a note has that cannot be read, nobody knows.
            let is_note = !file.components().any(|part| part.as_os_str() == "tile");
            let kinds = |found: &Found| found.iter().map(|one| one.0).collect::<Vec<_>>();
            if is_note {
                assert_eq!(kinds(&found(&ours)), kinds(&theirs), "{name}");
            } else {
                assert_eq!(found(&ours), theirs, "{name}");
            }
            fs::write(file, whole).unwrap();
        }
    });
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list(&path, files) } else { files.push(path) }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
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
