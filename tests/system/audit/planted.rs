//! Every kind of damage that SQL can do, and where the verifier finds it.

use audit::Kind::{self, *};
use db::Tx;
use diesel::prelude::*;
use tempfile::TempDir;

use super::copies::{Copy, Found, found, joined};
use super::master::{Master, on_both};
use super::rows::{self, entry, leaf, seq};
use super::{copies, oracle};

/// An entry within the full tile, and one behind it.
pub(super) const EARLY: u64 = 77;

/// What an export of the damaged log shows.
pub(super) enum Exported {
    Same,
    /// It has no such columns.
    Nothing,
}

pub(super) struct Damage {
    pub(super) name: &'static str,
    pub(super) plant: fn(&mut Tx, &Master),
    /// What is found, as `[from, to)`.
    pub(super) expected: fn(&Master) -> Vec<(Kind, u64, u64)>,
    pub(super) exported: Exported,
}

impl Master {
    /// An entry behind the last full tile.
    fn late(&self) -> u64 {
        let late = self.size - 20;
        assert!(late > 256 && late != self.order, "the log is too short");
        late
    }

    /// Damages a copy and demands that exactly this is found: by us, in an export as well, and by the
    /// second verifier.
    fn assert_found(&self, damage: &Damage) {
        let copy = self.copy();
        (damage.plant)(&mut copy.attack(), self);
        let expected = joined((damage.expected)(self));
        let name = damage.name;
        assert_eq!(found(&self.verify(&copy)), expected, "{name}, in the database");
        let exported = match damage.exported {
            Exported::Same => expected,
            Exported::Nothing => Found::new(),
        };
        assert_eq!(self.agree(&copy, name), exported, "{name}, in an export");
    }

    /// What both verifiers find in an export.
    fn agree(&self, copy: &Copy, name: &str) -> Found {
        let folder = TempDir::new().unwrap();
        let export = copy.export(&folder);
        let mut source = audit::Export::open(&export).unwrap();
        let ours = copies::verify(&mut source, &self.trust, audit::Evidence::default());
        let (_, theirs) = oracle::verify(&export, &self.trust, &[]);
        assert_eq!(found(&ours), theirs, "{name}: the two verifiers");
        theirs
    }
}

pub(super) fn plant_all(damages: &[Damage]) {
    on_both(|master| damages.iter().for_each(|damage| master.assert_found(damage)));
}

#[test]
fn an_edited_body_is_named() {
    plant_all(&[
        Damage {
            name: "edited",
            plant: |tx, master| {
                for index in [0, EARLY, master.late(), master.size - 1] {
                    rows::edit(tx, index);
                }
            },
            expected: |master| {
                [0, EARLY, master.late(), master.size - 1]
                    .map(|index| (Edited, index, index + 1))
                    .to_vec()
            },
            exported: Exported::Same,
        },
        Damage {
            name: "edited together with its leaf row",
            plant: |tx, master| {
                for index in [EARLY, master.late()] {
                    rows::edit(tx, index);
                    let body = rows::body(tx, index);
                    rows::set_leaf(tx, index, &body);
                }
            },
            // In the open part nothing but the leaf row keeps the hash: what was signed in between
            // says where it is.
            expected: |master| {
                let (from, to) = master.batch_of(master.late());
                vec![(Edited, EARLY, EARLY + 1), (Edited, from, to)]
            },
            exported: Exported::Same,
        },
        Damage {
            name: "only the time of logging edited",
            plant: |tx, _| {
                let body = String::from_utf8(rows::body(tx, 3)).unwrap();
                let changed = body.replacen("\"loggedAtUnixMs\":1", "\"loggedAtUnixMs\":2", 1);
                rows::set_body(tx, 3, changed.as_bytes());
            },
            expected: |_| vec![(Edited, 3, 4)],
            exported: Exported::Same,
        },
        Damage {
            name: "an edited order",
            plant: |tx, master| {
                let body = String::from_utf8(rows::body(tx, master.order)).unwrap();
                rows::set_body(tx, master.order, body.replace("lawsuit", "nothing").as_bytes());
            },
            expected: |master| vec![(Edited, master.order, master.order + 1)],
            exported: Exported::Same,
        },
    ]);
}

impl Master {
    /// The sizes of the checkpoints right before and after an entry.
    pub(super) fn batch_of(&self, index: u64) -> (u64, u64) {
        let notes = rows::notes(&mut self.copy().attack());
        let before = notes.iter().map(|(size, _)| *size).filter(|size| *size <= index).max();
        let after = notes.iter().map(|(size, _)| *size).filter(|size| *size > index).min();
        (before.unwrap(), after.unwrap())
    }
}

#[test]
fn a_deleted_body_is_named() {
    plant_all(&[
        Damage {
            name: "deleted",
            plant: |tx, master| {
                rows::delete(tx, EARLY, EARLY + 2);
                rows::delete(tx, master.late(), master.late() + 1);
            },
            expected: |master| {
                vec![(Deleted, EARLY, EARLY + 2), (Deleted, master.late(), master.late() + 1)]
            },
            exported: Exported::Same,
        },
        Damage {
            name: "deleted, and the others pulled together",
            plant: |tx, _| {
                rows::delete(tx, EARLY, EARLY + 1);
                rows::shift(tx, EARLY + 1, -1);
            },
            expected: |_| vec![(Deleted, EARLY, EARLY + 1)],
            exported: Exported::Same,
        },
        Damage {
            name: "a deleted order",
            plant: |tx, master| rows::delete(tx, master.order, master.order + 1),
            expected: |master| vec![(Deleted, master.order, master.order + 1)],
            exported: Exported::Same,
        },
    ]);
}

#[test]
fn a_truncated_log_is_named() {
    const LEFT: u64 = 200;
    plant_all(&[
        Damage {
            name: "bodies and leaves truncated",
            plant: |tx, master| {
                rows::delete(tx, LEFT, master.size);
                let leaves = leaf::table.filter(leaf::seq.ge(seq(LEFT)));
                diesel::delete(leaves).execute(tx).unwrap();
            },
            expected: |master| vec![(Truncated, LEFT, master.size)],
            exported: Exported::Same,
        },
        Damage {
            name: "bodies truncated",
            plant: |tx, master| rows::delete(tx, master.size - 3, master.size),
            expected: |master| vec![(Truncated, master.size - 3, master.size)],
            exported: Exported::Same,
        },
    ]);
}

#[test]
fn swapped_bodies_are_named() {
    plant_all(&[
        Damage {
            name: "swapped",
            plant: |tx, master| swap(tx, EARLY, master.late()),
            expected: |master| {
                vec![(Swapped, EARLY, EARLY + 1), (Swapped, master.late(), master.late() + 1)]
            },
            exported: Exported::Same,
        },
        Damage {
            name: "neighbours swapped",
            plant: |tx, _| swap(tx, 9, 10),
            expected: |_| vec![(Swapped, 9, 11)],
            exported: Exported::Same,
        },
    ]);
}

fn swap(tx: &mut Tx, one: u64, other: u64) {
    let (first, second) = (rows::body(tx, one), rows::body(tx, other));
    rows::set_body(tx, one, &second);
    rows::set_body(tx, other, &first);
}

#[test]
fn an_inserted_body_is_named() {
    plant_all(&[
        Damage {
            name: "inserted, and the others pushed back",
            plant: |tx, _| {
                let foreign = rows::edited(&rows::body(tx, EARLY));
                rows::shift(tx, EARLY, 1);
                rows::insert(tx, EARLY, EARLY + 1, &foreign);
            },
            expected: |_| vec![(Inserted, EARLY, EARLY + 1)],
            exported: Exported::Same,
        },
        Damage {
            name: "inserted behind the end",
            plant: |tx, master| {
                let foreign = rows::edited(&rows::body(tx, EARLY));
                rows::insert(tx, master.size, master.size - 1, &foreign);
            },
            expected: |master| vec![(Inserted, master.size, master.size + 1)],
            exported: Exported::Same,
        },
        Damage {
            name: "replayed behind the end, with a leaf",
            plant: |tx, master| {
                let again = rows::body(tx, EARLY);
                rows::insert(tx, master.size, master.size - 1, &again);
                let hash = ledger::leaf_hash(&again);
                let row =
                    (leaf::seq.eq(seq(master.size)), leaf::hash.eq(hash.as_bytes().as_slice()));
                diesel::insert_into(leaf::table).values(row).execute(tx).unwrap();
            },
            expected: |master| vec![(Inserted, master.size, master.size + 1)],
            exported: Exported::Same,
        },
    ]);
}

#[test]
fn an_entry_moved_to_another_municipality_or_month_is_named() {
    type Plant = fn(&mut Tx);
    let moved: [(&str, Plant); 4] = [
        ("inquirer", |tx| set(tx, "inquirer = '131211'")),
        ("provider", |tx| set(tx, "provider = '072036'")),
        ("month", |tx| set(tx, "segment = 202402")),
        ("act", |tx| set(tx, "act = 'order'")),
    ];
    for (name, plant) in moved {
        on_both(|master| {
            let copy = master.copy();
            plant(&mut copy.attack());
            let expected = joined([(Moved, EARLY, EARLY + 1)]);
            assert_eq!(found(&master.verify(&copy)), expected, "{name}");
        });
    }
}

fn set(tx: &mut Tx, change: &str) {
    rows::execute(tx, &format!("UPDATE entry SET {change} WHERE seq = {EARLY}"));
}

/// Many at once, and each is named.
#[test]
fn several_damages_at_the_same_time_are_told_apart() {
    plant_all(&[Damage {
        name: "several",
        plant: |tx, master| {
            rows::edit(tx, 11);
            swap(tx, 20, 30);
            rows::delete(tx, 40, 41);
            rows::edit(tx, master.late());
            rows::delete(tx, master.size - 1, master.size);
        },
        expected: |master| {
            vec![
                (Edited, 11, 12),
                (Swapped, 20, 21),
                (Swapped, 30, 31),
                (Deleted, 40, 41),
                (Edited, master.late(), master.late() + 1),
                (Truncated, master.size - 1, master.size),
            ]
        },
        exported: Exported::Same,
    }]);
}

/// Without damage nothing is found, and everything is counted.
#[test]
fn the_log_as_it_is_is_sound_for_both_verifiers() {
    on_both(|master| {
        let copy = master.copy();
        let report = master.verify(&copy);
        assert_eq!(found(&report), Found::new());
        let entries: i64 = entry::table.count().get_result(&mut copy.attack()).unwrap();
        assert_eq!((report.size, report.entries), (master.size, seq_of(entries)));
        assert!(report.checkpoints > 20 && report.cosignatures > 0, "{report:?}");
        let folder = TempDir::new().unwrap();
        let export = copy.export(&folder);
        let (theirs, _) = oracle::verify(&export, &master.trust, &[]);
        let mut ours = serde_json::to_value(&report).unwrap();
        ours.as_object_mut().unwrap().remove("findingsOmitted");
        assert_eq!(theirs, ours);
    });
}

fn seq_of(count: i64) -> u64 {
    u64::try_from(count).unwrap()
}
