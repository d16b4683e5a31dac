//! Checks a whole log against what its owner cannot change: signatures, witnesses and arithmetic.
//!
//! Only the newest signed root is believed.  It proves the hashes above the leaves, those prove the
//! leaves, and each body must be the one its leaf was made of; older signed roots must be those of
//! the same leaves.  What others saw tells whether the log signed something else before.

use domain::retention::RetentionRules;
use ledger::{Checkpoint, EMPTY_ROOT, Hash, Origin, Verifier, WitnessVerifier};

use crate::bodies::Bodies;
use crate::desk::Desk;
use crate::destruction::Known;
use crate::findings::{Kind, Report};
use crate::notes::Signed;
use crate::orders::Orders;
use crate::places::Places;
use crate::ranges::Ranges;
use crate::receipt::Proven;
use crate::reference::Reference;
use crate::skeleton::Skeleton;
use crate::source::Source;
use crate::walk::Walk;
use crate::witness::{self, Cosigned, Seen};

/// Whose word counts.
#[derive(Clone, Debug)]
pub struct Trust {
    pub origin: Origin,
    /// Every key the log ever had.
    pub log: Vec<Verifier>,
    pub witnesses: Vec<WitnessVerifier>,
    pub custodians: Vec<Verifier>,
    pub retention: RetentionRules,
}

/// What others hold, so that the log's owner cannot have changed it.
#[derive(Default)]
pub struct Evidence<'a> {
    pub witnessed: Vec<Cosigned>,
    pub receipts: Vec<Proven>,
    /// An earlier export, to name the entries of a consistent rewrite.
    pub reference: Option<&'a mut dyn Source>,
}

/// How much is checked.
#[derive(Clone, Debug, Default)]
pub struct Extent {
    /// Goes on from here; what is before it was checked earlier.
    pub since: Option<Checkpoint>,
    /// Whether each permit stands in the log once and each inquiry is settled once; takes 32 bytes
    /// of memory an entry.
    pub thorough: bool,
}

impl std::fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { witnessed, receipts, reference } = self;
        let (witnessed, receipts) = (witnessed.len(), receipts.len());
        write!(f, "Evidence({witnessed} notes, {receipts} receipts, {})", reference.is_some())
    }
}

/// Judges a log.  Whatever is wrong or cannot be read is a finding; there is no other failure.
#[must_use]
pub fn verify(
    source: &mut dyn Source,
    trust: &Trust,
    evidence: Evidence<'_>,
    extent: &Extent,
) -> Report {
    let since = extent.since.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let mut desk = Desk::new(source, evidence.receipts.clone());
    let mut signed = Signed::read(&mut desk, trust, since);
    if signed.newest.is_none() && since > 0 {
        // The log is shorter than what was checked earlier.
        signed = Signed::read(&mut desk, trust, 0);
    }
    let (size, root) = signed.newest.unwrap_or((0, EMPTY_ROOT));
    let end = desk.end(size);
    let mut skeleton = Skeleton::build(&mut desk, size, root);
    let reference = evidence.reference.and_then(|source| Reference::open(source, trust));
    let mut others = Others::gather(&signed, &evidence.witnessed, &evidence.receipts);
    others.extend(extent.since.iter().map(|checkpoint| (checkpoint.size, checkpoint.root)));
    others.extend(reference.iter().map(|reference| (reference.size, reference.root)));
    let bodies = Bodies::new(trust, extent.thorough);
    let walk = Walk::new(&mut desk, (&skeleton, &signed), bodies, (size, since.min(size)));
    let mut walk = walk.with_evidence(others.roots());
    walk.run(end);
    let Walk {
        mut bodies, mut places, agrees, agreed_size, missing_rows, made, last_leaves, ..
    } = walk;
    if !skeleton.is_proven()
        && (since, agreed_size) == (0, size)
        && let Some(tail) = last_leaves.into_iter().collect()
    {
        skeleton.adopt(&mut desk, &made, tail);
    }
    bodies.take_displaced(places.take_orders(), &mut desk.findings);
    let outcome = Outcome { skeleton: &skeleton, size, agreed_size, missing_rows };

    let rewritten = others.judge(agrees, size, &mut desk);
    outcome.judge_rewrite(&mut desk, rewritten, reference);
    let cosigned: Vec<Cosigned> =
        signed.witnessed.iter().chain(&evidence.witnessed).copied().collect();
    let (entries, unique) = (bodies.count, bodies.unique);
    let state = Orders::new(trust.retention.clone());
    let destroyed = outcome.judge_places(&mut desk, places, (bodies.orders, state), &cosigned);
    if let Some(unique) = unique {
        unique.judge(&mut desk);
    }
    let findings_omitted = desk.findings.omitted();
    let findings = desk.findings.into_list();
    let witnessed = cosigned.iter().filter(|one| one.witnesses > 0);
    Report {
        origin: trust.origin.to_string(),
        size,
        root,
        entries,
        destroyed,
        checkpoints: signed.checkpoints,
        cosignatures: cosigned.iter().map(|one| one.witnesses).sum(),
        witnessed_size: witnessed.map(|one| one.size).max().unwrap_or(0),
        sound: findings.is_empty() && findings_omitted == 0,
        findings,
        findings_omitted,
    }
}

/// Roots to compare the log with, from its own witnesses' list and from outside.
#[derive(Default)]
struct Others {
    roots: Vec<(u64, Hash)>,
    /// How many of them, at the beginning, only the log itself signed and keeps.
    own: usize,
}

impl Others {
    fn gather(signed: &Signed, outside: &[Cosigned], receipts: &[Proven]) -> Self {
        let (seen, own): (Vec<_>, Vec<_>) =
            signed.witnessed.iter().partition(|one| one.witnesses > 0);
        let root = |one: &Cosigned| (one.size, one.root);
        let own: Vec<_> = own.into_iter().map(root).collect();
        let mut others = Self { own: own.len(), roots: own };
        others.extend(seen.into_iter().chain(outside).map(root));
        others.extend(receipts.iter().map(|receipt| (receipt.size, receipt.root)));
        others
    }

    fn extend(&mut self, roots: impl Iterator<Item = (u64, Hash)>) {
        self.roots.extend(roots);
    }

    fn roots(&self) -> impl Iterator<Item = (u64, Hash)> {
        self.roots.iter().copied()
    }

    fn judge(
        self,
        agrees: Vec<Option<bool>>,
        size: u64,
        desk: &mut Desk<'_>,
    ) -> Option<std::ops::Range<u64>> {
        let all = self.roots.into_iter().zip(agrees);
        let mut seen: Vec<Seen> =
            all.map(|((size, root), agrees)| Seen { size, root, agrees }).collect();
        for own in seen.drain(..self.own).filter(|own| own.agrees == Some(false)) {
            let detail = "the checkpoint's root is not the log's at this size";
            desk.findings.add(Kind::AlteredCheckpoint, own.size, own.size, detail);
        }
        witness::judge(seen, size, &mut desk.findings)
    }
}

/// What the walk found out, to be judged as a whole.
struct Outcome<'a> {
    skeleton: &'a Skeleton,
    size: u64,
    agreed_size: u64,
    missing_rows: Ranges,
}

impl Outcome<'_> {
    /// An earlier export names the entries of a rewrite; without one only its range is known.
    fn judge_rewrite(
        &self,
        desk: &mut Desk<'_>,
        rewritten: Option<std::ops::Range<u64>>,
        reference: Option<Reference<'_>>,
    ) {
        let mut is_named = false;
        if let Some(mut reference) = reference {
            let different = reference.differences(desk, self.skeleton, self.size);
            for range in different.iter() {
                let detail = "an earlier export has another entry here";
                desk.findings.add(Kind::Rewritten, range.start, range.end, detail);
            }
            let reaches = rewritten.as_ref().is_some_and(|range| reference.size >= range.end);
            is_named = reaches && !different.is_empty();
        }
        if let Some(range) = rewritten.filter(|_| !is_named) {
            let detail = "the log leads to another root than the one that was signed before";
            desk.findings.add(Kind::Rewritten, range.start, range.end, detail);
        }
    }

    /// Names bodies out of place and missing ones; answers how many were destroyed lawfully.
    fn judge_places(
        self,
        desk: &mut Desk<'_>,
        places: Places,
        (orders, state): (Vec<crate::bodies::FoundOrder>, Orders),
        witnessed: &[Cosigned],
    ) -> u64 {
        let missing = places.judge(self.size, &mut desk.findings);
        let (skeleton, size) = (self.skeleton, self.size);
        let destroyed = Known { desk, skeleton, size, witnessed }.judge(&missing, orders, state);
        for range in self.missing_rows.minus(&missing.minus(&destroyed)).iter() {
            desk.damaged(range, "the leaf's hash is missing");
        }
        if !self.skeleton.is_proven() && desk.findings.is_empty() {
            let detail = "these entries cannot be proven";
            desk.findings.add(Kind::Edited, self.agreed_size.min(size), size, detail);
        }
        destroyed.count()
    }
}

#[cfg(test)]
#[path = "verify_tests/mod.rs"]
mod tests;
