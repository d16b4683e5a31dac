//! What may stand in a log only once: each permit, and one settled end for each inquiry.

use std::collections::BTreeSet;

use uuid::Uuid;
use wire::provision_log::{Act, Entry, LeafBody};

use crate::bodies::permit_id;
use crate::desk::Desk;
use crate::findings::Kind;

/// Sixteen bytes for each id: a short key and the index.
#[derive(Debug, Default)]
pub(crate) struct Unique {
    permits: Vec<(u64, u64)>,
    settled: Vec<(u64, u64)>,
}

impl Unique {
    pub(crate) fn take(&mut self, index: u64, entry: &Entry) {
        if let Some(permit) = permit_id(entry) {
            self.permits.push((short(permit), index));
        }
        if entry.outcome.settles() {
            self.settled.push((short(entry.inquiry.0), index));
        }
    }

    /// Names every entry but the first of one id.
    pub(crate) fn judge(self, desk: &mut Desk<'_>) {
        let detail = "the permit stands in the log already";
        judge(self.permits, desk, detail, permit_id);
        let detail = "the inquiry is settled already";
        judge(self.settled, desk, detail, |entry| {
            entry.outcome.settles().then_some(entry.inquiry.0)
        });
    }
}

/// Both halves together: one alone may be mostly time.
fn short(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    high ^ low
}

/// Equal keys are only a suspicion; the bodies tell.
fn judge(
    mut keys: Vec<(u64, u64)>,
    desk: &mut Desk<'_>,
    detail: &'static str,
    id: impl Fn(&Entry) -> Option<Uuid>,
) {
    keys.sort_unstable();
    for alike in keys.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
        let mut seen = BTreeSet::new();
        for (_, index) in alike {
            let bodies = desk.source.bodies(*index..index.saturating_add(1)).unwrap_or_default();
            let entries = bodies.into_iter().filter_map(|stored| {
                match serde_json::from_slice(&stored.body).ok()? {
                    LeafBody { act: Act::Outcome(entry), .. } => id(&entry),
                    LeafBody { act: Act::Order(_), .. } => None,
                }
            });
            let ids: BTreeSet<Uuid> = entries.collect();
            if ids.iter().any(|id| seen.contains(id)) {
                desk.findings.one(Kind::Malformed, *index, detail);
            }
            seen.extend(ids);
        }
    }
}
