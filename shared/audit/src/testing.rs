//! A log in memory, kept as the database keeps it, to be damaged by tests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use domain::retention::{RetentionRules, segment_of};
use domain::{InquiryId, MunicipalityCode, OperatorId, Outcome, Reason, TerminalId};
use ed25519_dalek::{Signer as _, SigningKey};
use ledger::{
    Checkpoint, Cosignature, Hash, KeyName, Note, Origin, Signer, TileId, Tree, WitnessVerifier,
    cosignature_message, leaf_hash, witness_name,
};
use uuid::Uuid;
use wire::Base64Bytes;
use wire::provision_log::{Act, Entry, LeafBody, Receipt, SignedOrder};

use crate::findings::{Kind, Report};
use crate::order::{Order, OrderAct};
use crate::source::{Listed, Source, StoredBody, StoredNote, Unreadable};
use crate::verify::{Evidence, Extent, Trust, verify};

/// 2026-04-10 in Japan.
pub(crate) const BEGIN_UNIX_MS: i64 = 1_775_800_000_000;
pub(crate) const DAY_MS: i64 = 86_400_000;

pub(crate) struct Log {
    pub(crate) bodies: Vec<StoredBody>,
    pub(crate) leaves: BTreeMap<u64, Hash>,
    pub(crate) tiles: BTreeMap<TileId, Vec<Hash>>,
    pub(crate) checkpoints: Vec<StoredNote>,
    pub(crate) witnessed: Vec<StoredNote>,
    pub(crate) unreadable: BTreeSet<u64>,
    pub(crate) tree: Tree,
    pub(crate) now_unix_ms: i64,
    pub(crate) signers: Vec<Signer>,
}

pub(crate) fn origin() -> Origin {
    Origin::parse("log.example/provisions").unwrap()
}

pub(crate) fn signer(seed: u8) -> Signer {
    Signer::new(KeyName::parse(origin().as_str()).unwrap(), SigningKey::from_bytes(&[seed; 32]))
}

pub(crate) fn custodian(number: u8) -> Signer {
    let name = KeyName::parse(&format!("custodian-{number}.example")).unwrap();
    Signer::new(name, SigningKey::from_bytes(&[100 + number; 32]))
}

fn witness_key(code: &str) -> SigningKey {
    SigningKey::from_bytes(&[code.bytes().fold(200, |sum, digit| sum ^ digit.rotate_left(3)); 32])
}

pub(crate) fn witness(code: &str) -> WitnessVerifier {
    let name = witness_name(&origin(), code).unwrap();
    WitnessVerifier::new(name, witness_key(code).verifying_key())
}

pub(crate) const WITNESSES: [&str; 3] = ["131211", "072036", "472131"];

pub(crate) fn trust() -> Trust {
    Trust {
        origin: origin(),
        log: vec![signer(1).verifier().clone(), signer(2).verifier().clone()],
        witnesses: WITNESSES.iter().map(|code| witness(code)).collect(),
        custodians: (0..3).map(|number| custodian(number).verifier().clone()).collect(),
        retention: RetentionRules::shipped(),
    }
}

/// An outcome unlike any other.
pub(crate) fn entry(number: u64) -> Entry {
    let outcome = Outcome::ALL[usize::try_from(number % 6).unwrap()];
    let code = |place: u64| WITNESSES[usize::try_from(place % 3).unwrap()];
    let id = |of: u64| Uuid::from_u128(u128::from(number) << 64 | u128::from(of));
    Entry {
        inquiry: InquiryId(id(1)),
        permit: id(2).to_string(),
        inquirer: MunicipalityCode::parse(code(number)).unwrap(),
        provider: MunicipalityCode::parse(code(number + 1)).unwrap(),
        operator: OperatorId::parse("clerk-1").unwrap(),
        terminal: TerminalId::parse("t-1").unwrap(),
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        items: "vaccination".to_owned(),
        outcome,
        reason: outcome.has_reason().then_some(Reason::TooMany),
        commitment: outcome.provides().then(|| Base64Bytes(vec![7; 32])),
        asked_at_unix_s: BEGIN_UNIX_MS / 1000,
        decided_at_unix_ms: BEGIN_UNIX_MS,
    }
}

pub(crate) fn body(logged_at_unix_ms: i64, act: Act) -> Vec<u8> {
    serde_json::to_vec(&LeafBody { logged_at_unix_ms, act }).unwrap()
}

impl Log {
    /// A log of this many outcomes, a checkpoint for each batch.
    pub(crate) fn of(size: u64, batch: u64) -> Self {
        let mut log = Self::empty();
        log.grow(size, batch);
        log
    }

    pub(crate) fn empty() -> Self {
        Self {
            bodies: Vec::new(),
            leaves: BTreeMap::new(),
            tiles: BTreeMap::new(),
            checkpoints: Vec::new(),
            witnessed: Vec::new(),
            unreadable: BTreeSet::new(),
            tree: Tree::new(),
            now_unix_ms: BEGIN_UNIX_MS,
            signers: vec![signer(1)],
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.tree.size()
    }

    pub(crate) fn grow(&mut self, count: u64, batch: u64) {
        let end = self.size() + count;
        while self.size() < end {
            let upto = (self.size() + batch).min(end);
            for number in self.size()..upto {
                self.append(Act::Outcome(entry(number)));
            }
            self.seal();
        }
    }

    pub(crate) fn append(&mut self, act: Act) -> u64 {
        let bytes = body(self.now_unix_ms, act);
        self.append_bytes(bytes)
    }

    pub(crate) fn append_bytes(&mut self, body: Vec<u8>) -> u64 {
        let (index, hash) = (self.size(), leaf_hash(&body));
        let listed = Some(listed(&body).unwrap_or(Listed {
            segment: 0,
            is_order: false,
            inquirer: None,
            provider: None,
        }));
        self.bodies.push(StoredBody { index, body, listed });
        self.leaves.insert(index, hash);
        for tile in self.tree.append(hash) {
            self.tiles.insert(tile.id, tile.hashes);
        }
        self.now_unix_ms += 10;
        index
    }

    /// Signs what there is.
    pub(crate) fn seal(&mut self) {
        let note = self.sign(self.tree.root());
        let (size, root) = (self.size(), Some(self.tree.root()));
        self.checkpoints.push(StoredNote {
            size,
            stored_at_unix_ms: self.now_unix_ms,
            root,
            note: note.to_string(),
        });
    }

    pub(crate) fn sign(&self, root: Hash) -> Note {
        let checkpoint = Checkpoint { origin: origin(), size: self.size(), root };
        let mut note = checkpoint.sign(&self.signers[0]);
        self.signers[1..].iter().for_each(|signer| note.add_signature(signer));
        note
    }

    /// These witnesses cosign what there is now.
    pub(crate) fn cosigned_note(&self, codes: &[&str]) -> String {
        let mut note = self.sign(self.tree.root());
        let time = u64::try_from(self.now_unix_ms / 1000).unwrap();
        for code in codes {
            let message = cosignature_message(note.text(), time);
            let signature = witness_key(code).sign(&message).to_bytes();
            note.add_line(witness(code).line(&Cosignature::new(time, signature)));
        }
        note.to_string()
    }

    pub(crate) fn cosign(&mut self, codes: &[&str]) {
        let (size, note) = (self.size(), self.cosigned_note(codes));
        let stored_at_unix_ms = self.now_unix_ms;
        self.witnessed.push(StoredNote { size, stored_at_unix_ms, root: None, note });
    }

    pub(crate) fn order(&mut self, order: OrderAct, custodians: &[u8]) -> u64 {
        let id = Uuid::from_u128(u128::from(self.size()) << 64 | 77);
        let order = Order { id, issued_at_unix_ms: self.now_unix_ms, order };
        let mut note = Note::from_parts(order.note_text(&origin()), Vec::new()).unwrap();
        custodians.iter().for_each(|number| note.add_signature(&custodian(*number)));
        let index = self.append(Act::Order(SignedOrder { note: note.to_string() }));
        self.seal();
        index
    }

    pub(crate) fn receipt(&mut self, index: u64) -> Receipt {
        let tiles = &self.tiles;
        let proof = self
            .tree
            .inclusion_proof(index, self.size(), |id, _| tiles.get(&id).cloned().ok_or(Unreadable));
        let hashes = proof.unwrap();
        Receipt {
            entry: String::from_utf8(self.at(index).body.clone()).unwrap(),
            index,
            checkpoint: self.sign(self.tree.root()).to_string(),
            proof: hashes.iter().map(|hash| Base64Bytes(hash.as_bytes().to_vec())).collect(),
        }
    }

    pub(crate) fn at(&mut self, index: u64) -> &mut StoredBody {
        self.bodies.iter_mut().find(|stored| stored.index == index).unwrap()
    }

    /// Another body of the same form and length.
    pub(crate) fn edit(&mut self, index: u64) {
        let stored = self.at(index);
        let text = String::from_utf8(stored.body.clone()).unwrap();
        stored.body = text.replace("clerk-1", "clerk-2").into_bytes();
    }

    pub(crate) fn delete(&mut self, range: Range<u64>) {
        self.bodies.retain(|stored| !range.contains(&stored.index));
    }

    pub(crate) fn swap(&mut self, a: u64, b: u64) {
        let (one, other) = (self.at(a).clone(), self.at(b).clone());
        *self.at(a) = StoredBody { index: a, ..other };
        *self.at(b) = StoredBody { index: b, ..one };
    }

    /// Puts a foreign body in, and all others one place further.
    pub(crate) fn insert(&mut self, index: u64) {
        for stored in self.bodies.iter_mut().filter(|stored| stored.index >= index) {
            stored.index += 1;
        }
        let foreign = body(self.now_unix_ms, Act::Outcome(entry(9_000_000 + index)));
        self.add(index, foreign);
    }

    pub(crate) fn add(&mut self, index: u64, body: Vec<u8>) {
        let stored = StoredBody { index, listed: listed(&body), body };
        self.bodies.push(stored);
        self.bodies.sort_by_key(|stored| stored.index);
    }

    /// Takes bodies out and closes the gap.
    pub(crate) fn take_out(&mut self, range: Range<u64>) {
        self.delete(range.clone());
        for stored in self.bodies.iter_mut().filter(|stored| stored.index >= range.end) {
            stored.index -= range.end - range.start;
        }
    }

    /// What somebody makes of the bodies who has the log's key: leaves, tiles and checkpoints anew.
    pub(crate) fn rewritten(&self) -> Self {
        let mut log = Self { signers: vec![signer(1)], ..Self::empty() };
        let mut sizes = self.checkpoints.iter().map(|stored| stored.size).peekable();
        for stored in &self.bodies {
            log.append_bytes(stored.body.clone());
            while sizes.next_if(|size| *size == log.size()).is_some() {
                log.seal();
            }
        }
        log.now_unix_ms = self.now_unix_ms;
        log.witnessed = self.witnessed.clone();
        log
    }

    /// Leaves and tiles as they follow from the bodies, under the checkpoints that were signed.
    pub(crate) fn hash_again(&mut self) {
        let again = self.rewritten();
        (self.leaves, self.tiles) = (again.leaves, again.tiles);
    }

    pub(crate) fn verify(&mut self) -> Report {
        self.verify_with(Evidence::default())
    }

    pub(crate) fn verify_with(&mut self, evidence: Evidence<'_>) -> Report {
        let extent = Extent { since: None, thorough: true };
        verify(self, &trust(), evidence, &extent)
    }

    pub(crate) fn found(&mut self) -> Vec<(Kind, u64, u64)> {
        places(&self.verify())
    }
}

/// Kinds and places alone.
pub(crate) fn places(report: &Report) -> Vec<(Kind, u64, u64)> {
    assert_eq!(report.sound, report.findings.is_empty());
    let places = report.findings.iter().map(|f| (f.kind, f.from_index, f.to_index));
    let mut places: Vec<_> = places.collect();
    places.sort_by_key(|(kind, from, to)| (*from, *to, *kind));
    places.dedup();
    places
}

fn listed(body: &[u8]) -> Option<Listed> {
    let LeafBody { logged_at_unix_ms, act } = serde_json::from_slice(body).ok()?;
    let segment = segment_of(logged_at_unix_ms)?.number();
    Some(match act {
        Act::Outcome(entry) => Listed {
            segment,
            is_order: false,
            inquirer: Some(entry.inquirer.to_string()),
            provider: Some(entry.provider.to_string()),
        },
        Act::Order(_) => Listed { segment, is_order: true, inquirer: None, provider: None },
    })
}

fn page(notes: &[StoredNote], from_size: u64, limit: usize) -> Vec<StoredNote> {
    let mut found: Vec<StoredNote> =
        notes.iter().filter(|note| note.size >= from_size).cloned().collect();
    found.sort_by_key(|note| note.size);
    let last = found.get(limit.saturating_sub(1)).map_or(u64::MAX, |note| note.size);
    found.retain(|note| note.size <= last);
    found
}

impl Source for Log {
    fn checkpoints(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable> {
        Ok(page(&self.checkpoints, from_size, limit))
    }

    fn witnessed(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable> {
        Ok(page(&self.witnessed, from_size, limit))
    }

    fn tile(&mut self, id: TileId, width: usize) -> Result<Option<Vec<Hash>>, Unreadable> {
        let tile = self.tiles.get(&id).cloned();
        Ok(tile.map(|hashes| hashes.into_iter().take(width).collect()))
    }

    fn keeps_partial_tiles(&self) -> bool {
        false
    }

    fn bodies(&mut self, range: Range<u64>) -> Result<Vec<StoredBody>, Unreadable> {
        if self.unreadable.range(range.clone()).next().is_some() {
            return Err(Unreadable);
        }
        let from = self.bodies.partition_point(|stored| stored.index < range.start);
        let found = self.bodies[from..].iter().take_while(|stored| stored.index < range.end);
        Ok(found.cloned().collect())
    }

    fn leaves(&mut self, range: Range<u64>) -> Result<Option<Vec<(u64, Hash)>>, Unreadable> {
        Ok(Some(self.leaves.range(range).map(|(index, hash)| (*index, *hash)).collect()))
    }

    fn end(&mut self) -> Result<u64, Unreadable> {
        let last_leaf = self.leaves.last_key_value().map(|(index, _)| index + 1);
        let last_body = self.bodies.iter().map(|stored| stored.index + 1).max();
        Ok(last_leaf.max(last_body).unwrap_or(0))
    }
}
