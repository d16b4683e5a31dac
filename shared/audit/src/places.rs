//! Which bodies stand where: tells an edited body from a moved, a lost and a foreign one.
//!
//! A body that is not where its hash belongs is looked for elsewhere.  A foreign body that pushed
//! ten million others back leaves one run here, not ten million pairs.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use ledger::Hash;

use crate::findings::{Findings, Kind};
use crate::ranges::Ranges;
use wire::provision_log::{Act, LeafBody};

/// So many bodies may be out of place before those found edited are noted at once.
const WAITING_MAX: usize = 300_000;
/// As many orders as nobody gives.
const WAITING_ORDERS_MAX: usize = 10_000;
/// How far an empty place is remembered, in case its body stands further on.
const EMPTY_PLACES_MAX: usize = 256;

/// Bodies in a row that stand `to - at` places from where they belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    at: u64,
    to: u64,
    length: u64,
}

impl Run {
    fn places(self) -> Range<u64> {
        self.at..self.at.saturating_add(self.length)
    }

    fn belongs(self) -> Range<u64> {
        self.to..self.to.saturating_add(self.length)
    }

    /// How far it was pushed back; negative if it was pulled forward.
    fn shift(self) -> i128 {
        i128::from(self.at) - i128::from(self.to)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Bodies that do not belong where they stand, by hash.
    foreign: HashMap<Hash, u64>,
    /// Foreign bodies of which there is more than one.
    repeated: Vec<u64>,
    /// Leaves whose body does not stand in its place, by hash.
    lost: HashMap<Hash, u64>,
    recently_empty: VecDeque<(u64, Hash)>,
    runs: Vec<Run>,
    /// The last run of each shift.
    last_runs: HashMap<i128, usize>,
    /// Places without a body.
    empty: Ranges,
    /// Orders that do not stand where they belong, until it is known where that is.
    orders: HashMap<Hash, Vec<u8>>,
    /// Orders that were found elsewhere, by the index where they belong.
    found_orders: Vec<(u64, Vec<u8>)>,
}

impl Places {
    /// Nothing stands at this index.
    pub(crate) fn is_empty_at(&mut self, index: u64, leaf: Option<Hash>) {
        self.empty.push(index..index.saturating_add(1));
        let Some(leaf) = leaf else { return };
        if let Some(at) = self.foreign.remove(&leaf) {
            self.displaced(at, index, leaf);
            return;
        }
        self.lost.insert(leaf, index);
        self.recently_empty.push_back((index, leaf));
        if self.recently_empty.len() > EMPTY_PLACES_MAX
            && let Some((index, leaf)) = self.recently_empty.pop_front()
            && self.lost.get(&leaf) == Some(&index)
        {
            self.lost.remove(&leaf);
        }
    }

    /// The body that belongs here does not stand here.
    pub(crate) fn is_lost(&mut self, index: u64, leaf: Hash) {
        match self.foreign.remove(&leaf) {
            Some(at) => self.displaced(at, index, leaf),
            None => drop(self.lost.insert(leaf, index)),
        }
    }

    /// A body stands here that does not belong here.
    pub(crate) fn is_foreign(
        &mut self,
        index: u64,
        (hash, body): (Hash, &[u8]),
        findings: &mut Findings,
    ) {
        if is_order(body) && self.orders.len() < WAITING_ORDERS_MAX {
            self.orders.insert(hash, body.to_vec());
        }
        if let Some(to) = self.lost.remove(&hash) {
            self.displaced(index, to, hash);
        } else if let Some(earlier) = self.foreign.insert(hash, index) {
            self.repeated.push(earlier);
        }
        if self.foreign.len() > WAITING_MAX {
            self.note_edited(findings);
        }
    }

    /// Orders count wherever they stand: with one of them lost, others might seem unlawful.
    pub(crate) fn take_orders(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.found_orders)
    }

    fn displaced(&mut self, at: u64, to: u64, hash: Hash) {
        self.found_orders.extend(self.orders.remove(&hash).map(|body| (to, body)));
        let run = Run { at, to, length: 1 };
        let last = self.last_runs.get(&run.shift()).and_then(|last| self.runs.get_mut(*last));
        match last {
            Some(last) if last.places().end == at => last.length += 1,
            _ => {
                self.last_runs.insert(run.shift(), self.runs.len());
                self.runs.push(run);
            }
        }
    }

    /// Makes room: whose place another body has taken and is found nowhere has been edited.
    fn note_edited(&mut self, findings: &mut Findings) {
        let lost: HashMap<u64, Hash> = self.lost.iter().map(|(hash, at)| (*at, *hash)).collect();
        let mut edited = Vec::new();
        self.foreign.retain(|_, at| {
            let leaf = lost.get(at).filter(|leaf| self.lost.remove(*leaf).is_some());
            edited.extend(leaf.map(|_| single(*at)));
            leaf.is_none()
        });
        for range in Ranges::of(edited).iter() {
            findings.add(Kind::Edited, range.start, range.end, EDITED);
        }
    }

    /// Names what happened; answers the places in which a body is missing.
    pub(crate) fn judge(mut self, size: u64, findings: &mut Findings) -> Ranges {
        let foreign = self.foreign.into_values().chain(self.repeated);
        let mut end = self.empty.last().map_or(0, |range| range.end).max(size);
        let foreign: Vec<u64> = foreign.collect();
        end = foreign.iter().fold(end, |end, at| end.max(at.saturating_add(1)));
        end = self.runs.iter().fold(end, |end, run| end.max(run.places().end));
        self.runs.retain(|run| run.at != run.to);
        self.runs.sort_by_key(|run| run.at);
        let lost = Ranges::of(self.lost.into_values().map(single)).minus(&self.empty);
        let sorted = Sorted { foreign: Ranges::of(foreign.into_iter().map(single)), lost };
        sorted.judge(self.runs, self.empty, size..end, findings)
    }
}

const EDITED: &str = "the body is not the one that was hashed";

/// What is left when every body that could be found elsewhere has been.
struct Sorted {
    /// Places that hold a body of no other place.
    foreign: Ranges,
    /// Leaves whose body is nowhere though its place is taken.
    lost: Ranges,
}

impl Sorted {
    fn judge(
        mut self,
        runs: Vec<Run>,
        empty: Ranges,
        size_and_end: Range<u64>,
        findings: &mut Findings,
    ) -> Ranges {
        let (swapped, open): (Vec<Run>, Vec<Run>) =
            runs.iter().partition(|run| returns(&runs, **run));
        for run in swapped {
            let detail = "the bodies stand in each other's places";
            findings.add(Kind::Swapped, run.places().start, run.places().end, detail);
        }
        let (kept, strayed) = pushed(&open, &self.foreign.or(&empty));
        let strayed_places = Ranges::of(strayed.iter().map(|run| run.places()));
        let strayed_from = Ranges::of(strayed.iter().map(|run| run.belongs()));
        self.foreign = self.foreign.or(&strayed_places);
        self.lost = self.lost.or(&strayed_from.minus(&empty));
        let found_elsewhere = Ranges::of(kept.iter().map(|run| run.belongs()));
        let missing = empty.minus(&found_elsewhere);
        let deleted = self.judge_gaps(&kept, size_and_end, findings);
        missing.or(&deleted)
    }

    /// Between two stretches of bodies that stand in order lie foreign bodies, lost ones, or both.
    fn judge_gaps(
        &mut self,
        kept: &[Run],
        size_and_end: Range<u64>,
        findings: &mut Findings,
    ) -> Ranges {
        let (size, end) = (size_and_end.start, size_and_end.end);
        let mut deleted = Vec::new();
        let mut left = Run { at: 0, to: 0, length: 0 };
        let last = Run { at: end, to: size, length: 0 };
        let stretches = stretches(kept, &self.foreign, end);
        for right in stretches.into_iter().chain([last]) {
            let places = left.places().end..right.at;
            let leaves = left.belongs().end..right.to;
            left = right;
            let lost = self.lost.within(leaves);
            let (foreign, lost_count) = (places.end.saturating_sub(places.start), lost.count());
            let inserted = foreign.saturating_sub(lost_count);
            if inserted > 0 {
                let detail = "a body stands here that was never hashed";
                findings.add(Kind::Inserted, places.start, places.start + inserted, detail);
            }
            let mut spare = lost_count.saturating_sub(foreign);
            for range in lost.iter() {
                let taken = spare.min(range.end - range.start);
                spare -= taken;
                let edited = range.start + taken;
                deleted.push(range.start..edited);
                if edited < range.end {
                    findings.add(Kind::Edited, edited, range.end, EDITED);
                }
            }
            self.lost = self.lost.minus(&lost);
        }
        Ranges::of(deleted).or(&self.lost)
    }
}

/// All stretches in order: the runs, and between them what stands in its own place.
fn stretches(kept: &[Run], foreign: &Ranges, end: u64) -> Vec<Run> {
    let taken = Ranges::of(kept.iter().map(|run| run.places())).or(foreign);
    let own = Ranges::of(std::iter::once(0..end)).minus(&taken);
    let own = own.iter().map(|r| Run { at: r.start, to: r.start, length: r.end - r.start });
    let mut all: Vec<Run> = kept.iter().copied().chain(own).collect();
    all.sort_by_key(|run| run.at);
    all
}

/// Whether going from each body to the one in its place leads back: nothing is foreign or lost.
fn returns(runs: &[Run], start: Run) -> bool {
    let mut here = start.to;
    for _ in 0..=runs.len() {
        if here == start.at {
            return true;
        }
        let behind = runs.partition_point(|run| run.at <= here);
        let run = behind.checked_sub(1).and_then(|at| runs.get(at));
        let Some(run) = run.filter(|run| run.places().contains(&here)) else { return false };
        let step = run.at.abs_diff(run.to);
        // Within a run the same step repeats: jump to where it leaves the run.
        let steps_before_leaving = if run.to < run.at {
            (here - run.at) / step
        } else {
            (run.places().end - 1 - here) / step
        };
        let far = step.saturating_mul(steps_before_leaving.saturating_add(1));
        here = if run.to < run.at { here.saturating_sub(far) } else { here.saturating_add(far) };
    }
    false
}

/// Parts the runs into those that were pushed as a whole, in order, and those that strayed.
fn pushed(open: &[Run], not_own: &Ranges) -> (Vec<Run>, Vec<Run>) {
    let not_own = not_own.or(&Ranges::of(open.iter().map(|run| run.places())));
    let mut longest_first = open.to_vec();
    longest_first.sort_by_key(|run| (std::cmp::Reverse(run.length), run.at));
    let (mut kept, mut strayed): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
    for run in longest_first {
        let between = run.at.min(run.to)..run.at.max(run.to);
        let width = between.end - between.start;
        // Whoever was pushed did not jump over others that stayed.
        let jumps = not_own.within(between).count() < width;
        let place = kept.partition_point(|other| other.at < run.at);
        let before = place.checked_sub(1).and_then(|at| kept.get(at));
        let in_order = before.is_none_or(|other| other.belongs().end <= run.to)
            && kept.get(place).is_none_or(|other| run.belongs().end <= other.to);
        if jumps || !in_order { strayed.push(run) } else { kept.insert(place, run) }
    }
    (kept, strayed)
}

fn is_order(body: &[u8]) -> bool {
    matches!(serde_json::from_slice(body), Ok(LeafBody { act: Act::Order(_), .. }))
}

fn single(index: u64) -> Range<u64> {
    index..index.saturating_add(1)
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
