//! What the online key cannot hide: an older state, a rewrite, two faces.  Witnesses tell.

use audit::Kind::*;
use audit::{Evidence, Proven};
use diesel::prelude::*;
use tempfile::TempDir;

use super::copies::{self, Copy, Found, found, joined};
use super::master::{Master, on_both, witness_file};
use super::rows::{self, checkpoint, cosigned, entry, leaf, seq, tile};
use super::{forger, oracle};

/// An entry that the forger changes.
const CHANGED: u64 = 77;
/// Sizes before and after it that a witness saw.
const SEEN: [u64; 4] = [40, 70, 120, 280];

impl Master {
    /// Both verifiers, told what these witnesses kept, find this.
    fn assert_told(&self, copy: &Copy, notes: &[String], expected: &Found, name: &str) {
        assert_eq!(found(&self.verify_with(copy, notes)), *expected, "{name}");
        let folder = TempDir::new().unwrap();
        let export = copy.export(&folder);
        let files = [witness_file(&folder, notes)];
        let (_, theirs) = oracle::verify(&export, &self.trust, &files);
        assert_eq!(theirs, *expected, "{name}, by the second verifier");
    }

    /// A copy in which an entry is another, and everything fits that the online key can make fit.
    fn rewritten(&self) -> Copy {
        let copy = self.copy();
        let tx = &mut copy.attack();
        rows::edit(tx, CHANGED);
        forger::seal(tx, &self.trust.origin, &self.signer);
        diesel::delete(cosigned::table).execute(tx).unwrap();
        copy
    }

    /// The sizes at which the auditor really cosigned, for those it wanted.
    fn signed_sizes(&self, sizes: &[u64]) -> Vec<u64> {
        let notes = rows::notes(&mut self.copy().attack());
        sizes
            .iter()
            .map(|wanted| notes.iter().find(|(size, _)| size >= wanted).unwrap().0)
            .collect()
    }
}

#[test]
fn an_older_state_is_known_by_those_who_saw_a_newer_one() {
    on_both(|master| {
        let older = master.copy();
        let notes = master.witness(&older, &[SEEN[0], master.size]);
        let left = master.signed_sizes(&[SEEN[3]])[0];
        let tx = &mut older.attack();
        diesel::delete(entry::table.filter(entry::seq.ge(seq(left)))).execute(tx).unwrap();
        diesel::delete(leaf::table.filter(leaf::seq.ge(seq(left)))).execute(tx).unwrap();
        let newer = checkpoint::table.filter(checkpoint::size.gt(seq(left)));
        diesel::delete(newer).execute(tx).unwrap();
        diesel::delete(cosigned::table.filter(cosigned::size.gt(seq(left)))).execute(tx).unwrap();
        diesel::delete(tile::table.filter(tile::level.gt(0))).execute(tx).unwrap();
        // It looks as it looked then: alone it says nothing.
        assert_eq!(found(&master.verify(&older)), Found::new());
        let expected = joined([(RolledBack, left, master.size)]);
        master.assert_told(&older, &notes, &expected, "rolled back");
    });
}

#[test]
fn a_rewrite_with_the_online_key_is_found_by_witnesses() {
    on_both(|master| {
        let notes = master.witness(&master.copy(), &SEEN);
        let forged = master.rewritten();
        // Whoever has the key makes a log that is sound in itself.
        assert_eq!(found(&master.verify(&forged)), Found::new());
        let [_, before, after, _] = <[u64; 4]>::try_from(master.signed_sizes(&SEEN)).unwrap();
        assert!(before <= CHANGED && CHANGED < after);
        let expected = joined([(Rewritten, before, after)]);
        master.assert_told(&forged, &notes, &expected, "rewritten");
    });
}

/// The rooms' cosignatures lie in the database: who forgets them is found without any help.
#[test]
fn a_rewrite_that_leaves_the_rooms_cosignatures_is_found_in_the_database_alone() {
    on_both(|master| {
        let forged = master.copy();
        let tx = &mut forged.attack();
        rows::edit(tx, CHANGED);
        forger::seal(tx, &master.trust.origin, &master.signer);
        let kinds: Vec<_> = found(&master.verify(&forged)).into_iter().map(|one| one.0).collect();
        assert_eq!(kinds, [Rewritten]);
    });
}

#[test]
fn receipts_and_an_earlier_export_name_the_entry_of_a_rewrite() {
    on_both(|master| {
        let forged = master.rewritten();
        let receipts: Vec<Proven> = master
            .receipts
            .iter()
            .map(|receipt| Proven::open(receipt, &master.trust).unwrap())
            .collect();
        let evidence = Evidence { receipts, ..Evidence::default() };
        let named = found(&forged.verify(&master.trust, evidence));
        assert!(named.contains(&(Rewritten, CHANGED, CHANGED + 1)), "{named:?}");
        let folder = TempDir::new().unwrap();
        let export = master.copy().export(&folder);
        let mut reference = audit::Export::open(&export).unwrap();
        let evidence = Evidence { reference: Some(&mut reference), ..Evidence::default() };
        let named = found(&forged.verify(&master.trust, evidence));
        assert_eq!(named, joined([(Rewritten, CHANGED, CHANGED + 1)]));
    });
}

#[test]
fn two_faces_are_found_by_holding_two_witnesses_against_each_other() {
    on_both(|master| {
        let (log, fork) = (master.copy(), master.rewritten());
        diesel::delete(cosigned::table).execute(&mut log.attack()).unwrap();
        let sizes = master.signed_sizes(&[SEEN[2], SEEN[3]]);
        let of_log = master.witness(&log, &[SEEN[2], SEEN[3]]);
        let of_fork = master.witness(&fork, &[SEEN[2]]);
        // The same size with two roots.
        let notes = [of_log[0].clone(), of_fork[0].clone()];
        let expected = joined([(SplitView, sizes[0], sizes[0]), (Rewritten, 0, sizes[0])]);
        master.assert_told(&log, &notes, &expected, "one size");
        // Two sizes that no log continues.
        let notes = [of_log[1].clone(), of_fork[0].clone()];
        let expected = joined([(SplitView, sizes[0], sizes[1]), (Rewritten, 0, sizes[0])]);
        master.assert_told(&log, &notes, &expected, "two sizes");
    });
}

#[test]
fn a_cosignature_that_does_not_hold_proves_nothing() {
    on_both(|master| {
        let copy = master.copy();
        let note = master.witness(&copy, &[SEEN[0]]).remove(0);
        let line = note.lines().last().unwrap();
        let (name, signature) = line.rsplit_once(' ').unwrap();
        let broken = note.replace(line, &format!("{name} {}", flip(signature)));
        assert!(audit::Cosigned::open(&broken, &master.trust).is_err());
        // In the log's own list it is a damage.
        let tx = &mut copy.attack();
        let row = (
            cosigned::size.eq(seq(master.signed_sizes(&[SEEN[0]])[0])),
            cosigned::cosigned_at_unix_ms.eq(1),
            cosigned::note.eq(broken),
        );
        diesel::insert_into(cosigned::table).values(row).execute(tx).unwrap();
        let size = master.signed_sizes(&[SEEN[0]])[0];
        let expected = joined([(AlteredCheckpoint, size, size)]);
        master.assert_told(&copy, &[], &expected, "a broken cosignature");
    });
}

/// Another character in the midst of the signature.
fn flip(signature: &str) -> String {
    let mut bytes = signature.as_bytes().to_vec();
    let place = bytes.len() / 2;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// Everything of a log that is verified with less trust: who has no key, says so.
#[test]
fn without_the_logs_key_nothing_is_sound() {
    on_both(|master| {
        let mut stranger = master.trust.clone();
        stranger.log = master.custodians.iter().map(|one| one.signer.verifier().clone()).collect();
        let report = copies::verify(&mut master.copy().source(), &stranger, Evidence::default());
        assert!(!report.sound);
    });
}
