//! Checkpoints and tiles that are not what the log wrote.

use audit::Kind::{AlteredCheckpoint, DamagedTile};
use db::Tx;
use diesel::prelude::*;

use super::master::Master;
use super::planted::{Damage, EARLY, Exported, plant_all};
use super::rows::{self, checkpoint, seq, tile};

#[test]
fn an_altered_checkpoint_is_named() {
    plant_all(&[
        Damage {
            name: "another root in the note",
            plant: |tx, master| {
                let other = master.second_note(tx);
                let root = |note: &str| note.lines().nth(2).unwrap().to_owned();
                change_note(tx, master, |note| note.replace(&root(note), &root(&other)));
            },
            expected: |master| vec![(AlteredCheckpoint, master.batch(), master.batch())],
            exported: Exported::Same,
        },
        Damage {
            name: "another signature",
            plant: |tx, master| {
                let other = master.second_note(tx);
                let line = |note: &str| note.lines().last().unwrap().to_owned();
                change_note(tx, master, |note| note.replace(&line(note), &line(&other)));
            },
            expected: |master| vec![(AlteredCheckpoint, master.batch(), master.batch())],
            exported: Exported::Same,
        },
        Damage {
            name: "filed under another root",
            plant: |tx, master| {
                let row = checkpoint::table.filter(checkpoint::size.eq(seq(master.batch())));
                let root = [7; 32].as_slice();
                diesel::update(row).set(checkpoint::root.eq(root)).execute(tx).unwrap();
            },
            expected: |master| vec![(AlteredCheckpoint, master.batch(), master.batch())],
            exported: Exported::Nothing,
        },
        Damage {
            name: "a note of another size in its place",
            plant: |tx, master| {
                let other = master.second_note(tx);
                change_note(tx, master, |_| other.clone());
            },
            expected: |master| vec![(AlteredCheckpoint, master.batch(), master.batch())],
            exported: Exported::Same,
        },
    ]);
}

impl Master {
    /// The size of a checkpoint in the midst of the log.
    fn batch(&self) -> u64 {
        self.batch_of(EARLY).1
    }

    /// The note of the checkpoint after that.
    fn second_note(&self, tx: &mut Tx) -> String {
        let batch = self.batch();
        rows::notes(tx).into_iter().find(|(size, _)| *size > batch).unwrap().1
    }
}

fn change_note(tx: &mut Tx, master: &Master, change: impl Fn(&str) -> String) {
    let size = master.batch();
    let note = rows::notes(tx).into_iter().find(|(known, _)| *known == size).unwrap().1;
    let row = checkpoint::table.filter(checkpoint::size.eq(seq(size)));
    let changed = change(&note);
    assert_ne!(note, changed);
    diesel::update(row).set(checkpoint::note.eq(changed)).execute(tx).unwrap();
}

#[test]
fn a_damaged_tile_is_named() {
    plant_all(&[
        Damage {
            name: "a hash in a tile",
            plant: |tx, _| {
                let row = tile::table.filter(tile::level.eq(0));
                let mut hashes: Vec<u8> = row.select(tile::hashes).first(tx).unwrap();
                hashes[40] ^= 1;
                let row = tile::table.filter(tile::level.eq(0));
                diesel::update(row).set(tile::hashes.eq(hashes)).execute(tx).unwrap();
            },
            expected: |_| vec![(DamagedTile, 0, 256)],
            exported: Exported::Same,
        },
        Damage {
            name: "a leaf row",
            plant: |tx, _| {
                let other = rows::body(tx, 3);
                rows::set_leaf(tx, EARLY, &other);
            },
            expected: |_| vec![(DamagedTile, EARLY, EARLY + 1)],
            exported: Exported::Nothing,
        },
    ]);
}
