//! How long the off-line verifier takes: `verify_speed ENTRIES FOLDER`.
//!
//! Makes an export of that many entries unless the folder holds one, verifies all of it, and then
//! the last 10,000 entries alone.
#![expect(clippy::print_stdout, reason = "the numbers are what this program is for")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use audit::{Evidence, Export, Extent, Report, Trust, verify};
use domain::retention::RetentionRules;
use ed25519_dalek::SigningKey;
use ledger::{
    Checkpoint, FullTile, Hash, KeyName, Origin, Signer, TILE_WIDTH, TileId, Tree, bundle_path,
    leaf_hash, write_bundle,
};

/// Entries between two checkpoints.
const BATCH: u64 = 100;
const INCREMENT: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let entries: u64 = arguments.next().ok_or("how many entries?")?.parse()?;
    let folder = arguments.next().ok_or("which folder?")?;
    let folder = Path::new(&folder);
    let signer = Signer::new(KeyName::parse("log.example")?, SigningKey::from_bytes(&[7; 32]));
    let trust = Trust {
        origin: Origin::parse("log.example")?,
        log: vec![signer.verifier().clone()],
        witnesses: Vec::new(),
        custodians: Vec::new(),
        retention: RetentionRules::shipped(),
    };
    if !folder.join("checkpoint").exists() {
        let begun = Instant::now();
        write(entries, folder, &signer)?;
        println!("made in {:.1} s", begun.elapsed().as_secs_f64());
    }
    for thorough in [false, true] {
        let name = if thorough { "all, thoroughly" } else { "all" };
        time(name, folder, &trust, &Extent { since: None, thorough })?;
    }
    let since = checkpoint_before(&trust, folder, entries.saturating_sub(INCREMENT))?;
    time("the last 10,000", folder, &trust, &Extent { since: Some(since), thorough: false })?;
    Ok(())
}

fn time(name: &str, folder: &Path, trust: &Trust, extent: &Extent) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let Report { entries, checkpoints, sound, .. } =
        verify(&mut Export::open(folder)?, trust, Evidence::default(), extent);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{name}: {entries} entries, {checkpoints} checkpoints, sound {sound}: {seconds:.2} s");
    Ok(())
}

fn checkpoint_before(
    trust: &Trust,
    folder: &Path,
    size: u64,
) -> Result<Checkpoint, Box<dyn Error>> {
    let found = audit::Source::checkpoints(&mut Export::open(folder)?, size, 1)?;
    let stored = found.first().ok_or("no checkpoint so far on")?;
    Ok(Checkpoint::open(&stored.note, &trust.origin, &trust.log)?)
}

fn write(entries: u64, folder: &Path, signer: &Signer) -> Result<(), Box<dyn Error>> {
    let mut tree = Tree::new();
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut lines = String::new();
    let mut note = String::new();
    for index in 0..entries {
        let body = body(index);
        for tile in tree.append(leaf_hash(&body)) {
            write_tile(folder, tile)?;
        }
        bodies.push(body);
        if bodies.len() == TILE_WIDTH || index + 1 == entries {
            let bundle: Vec<_> = bodies.iter().map(|body| Some(body.as_slice())).collect();
            let path = bundle_path(index / 256, bodies.len());
            write_file(&folder.join(path), &write_bundle(&bundle)?)?;
            bodies.clear();
        }
        if (index + 1) % BATCH == 0 || index + 1 == entries {
            let (size, root) = (tree.size(), tree.root());
            let origin = Origin::from(signer.verifier().name().clone());
            note = Checkpoint { origin, size, root }.sign(signer).to_string();
            let text = serde_json::to_string(&note)?;
            writeln!(lines, r#"{{"size":{size},"issuedAtUnixMs":0,"note":{text}}}"#)?;
        }
    }
    for level in 0..8 {
        let count = entries.checked_shr(u32::from(level) * 8).unwrap_or(0);
        let id = TileId { level, index: count / 256 };
        if let Some(hashes) = tree.tile(id) {
            write_tile(folder, FullTile { id, hashes: hashes.to_vec() })?;
        }
    }
    fs::write(folder.join("checkpoints.jsonl"), lines)?;
    fs::write(folder.join("checkpoint"), note)?;
    Ok(())
}

fn write_tile(folder: &Path, tile: FullTile) -> Result<(), Box<dyn Error>> {
    let bytes: Vec<u8> = tile.hashes.iter().flat_map(Hash::as_bytes).copied().collect();
    write_file(&folder.join(tile.id.path(tile.hashes.len())), &bytes)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}

/// A provision as the log keeps it.
fn body(index: u64) -> Vec<u8> {
    let at = 1_795_201_783_123 + index;
    format!(
        concat!(
            r#"{{"loggedAtUnixMs":{at},"act":{{"outcome":{{"#,
            r#""inquiry":"0193c5f0-0000-7000-8000-{index:012x}","#,
            r#""permit":"0193c5f0-1111-7000-8000-{index:012x}","#,
            r#""inquirer":"072036","provider":"131211","operator":"clerk-1","terminal":"t-1","#,
            r#""procedure":"transfer-in","legalBasis":"number-act-19-16","items":"vaccination","#,
            r#""outcome":"provided","commitment":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","#,
            r#""askedAtUnixS":1795201783,"decidedAtUnixMs":{at}}}}}}}"#,
        ),
        at = at,
        index = index,
    )
    .into_bytes()
}
