//! Bodies that are not there: destroyed by a lawful slip, by an unlawful one, or by none.

use std::ops::Range;

use domain::retention::segment_of;
use wire::provision_log::{Act, LeafBody};

use crate::bodies::FoundOrder;
use crate::chunk::Chunk;
use crate::desk::Desk;
use crate::findings::Kind;
use crate::fold::WIDTH;
use crate::orders::{BodyFacts, EntryFacts, Facts, Fate, Orders};
use crate::ranges::Ranges;
use crate::skeleton::Skeleton;
use crate::source::StoredBody;
use crate::witness::Cosigned;

/// What slips are held against.
pub(crate) struct Known<'d, 's> {
    pub(crate) desk: &'d mut Desk<'s>,
    pub(crate) skeleton: &'d Skeleton,
    pub(crate) size: u64,
    pub(crate) witnessed: &'d [Cosigned],
}

/// A leaf's hash could not be had.
pub(crate) struct Unknown;

impl Known<'_, '_> {
    /// Names the missing bodies that no lawful slip explains; answers those that one does.
    pub(crate) fn judge(
        &mut self,
        missing: &Ranges,
        orders: Vec<FoundOrder>,
        mut state: Orders,
    ) -> Ranges {
        let mut destroyed = Ranges::default();
        if missing.is_empty() {
            return destroyed;
        }
        for FoundOrder { index, logged_at_unix_ms, opened } in orders {
            match opened {
                // A slip whose leaves can't be had is judged by nobody and excuses nothing.
                Some(opened) if state.accept(index, logged_at_unix_ms, &opened, self).is_ok() => {}
                _ => state.pass_over(index),
            }
        }
        let mut lost = Ranges::default();
        for (range, fate) in missing.iter().flat_map(|range| state.fates(range)) {
            match fate {
                Fate::Destroyed { .. } => destroyed.push(range),
                Fate::Unlawful { .. } => {
                    let detail = "the body is gone and its destruction slip is not lawful";
                    let (from, to) = (range.start, range.end);
                    self.desk.findings.add(Kind::UnlawfulDestruction, from, to, detail);
                }
                Fate::Kept => lost.push(range),
            }
        }
        for range in lost.iter() {
            let (kind, detail) = if range.end == self.size {
                (Kind::Truncated, "the log's last bodies are missing")
            } else {
                (Kind::Deleted, "the body is missing and no order destroyed it")
            };
            self.desk.findings.add(kind, range.start, range.end, detail);
        }
        destroyed
    }

    fn tell_chunk(
        &mut self,
        range: Range<u64>,
        tell: &mut dyn FnMut(EntryFacts),
    ) -> Result<(), Unknown> {
        let chunk = Chunk::read(self.desk, range.start / WIDTH, self.size);
        let leaves = self.skeleton.leaves(self.desk, &chunk);
        let leaves = leaves.or_else(|| chunk.preferred()).ok_or(Unknown)?;
        let mut bodies = chunk.bodies.iter().peekable();
        for (index, leaf) in (chunk.first..).zip(leaves).filter(|(at, _)| range.contains(at)) {
            while bodies.next_if(|(stored, _)| stored.index < index).is_some() {}
            let body =
                bodies.peek().filter(|(stored, hash)| stored.index == index && *hash == leaf);
            tell(EntryFacts { leaf, body: body.and_then(|(stored, _)| facts(stored)) });
        }
        Ok(())
    }
}

impl Facts for Known<'_, '_> {
    type Error = Unknown;

    fn entries(
        &mut self,
        range: Range<u64>,
        tell: &mut dyn FnMut(EntryFacts),
    ) -> Result<(), Unknown> {
        if range.end > self.size {
            return Err(Unknown);
        }
        let mut start = range.start;
        while start < range.end {
            let end = (start / WIDTH + 1).saturating_mul(WIDTH).min(range.end);
            self.tell_chunk(start..end, tell)?;
            start = end;
        }
        Ok(())
    }

    fn smallest_cosigned_since(&mut self, unix_s: i64) -> Result<Option<u64>, Unknown> {
        let later = self.witnessed.iter().filter(|one| {
            one.witnesses > 0 && i64::try_from(one.latest_unix_s).is_ok_and(|at| at >= unix_s)
        });
        Ok(later.map(|one| one.size).min())
    }
}

fn facts(stored: &StoredBody) -> Option<BodyFacts> {
    let LeafBody { logged_at_unix_ms, act } = serde_json::from_slice(&stored.body).ok()?;
    let Act::Outcome(entry) = act else { return None };
    let segment = segment_of(logged_at_unix_ms)?;
    Some(BodyFacts { segment, inquirer: entry.inquirer, provider: entry.provider })
}
