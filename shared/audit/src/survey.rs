//! One walk through a stored log: what its orders say together, and which months it holds.
//!
//! Believes what is stored: judge the log first.

use std::collections::BTreeMap;
use std::ops::Range;

use domain::retention::{Segment, japanese_day, segment_of};
use ledger::{TILE_WIDTH, leaf_hash};
use time::{Date, Duration};
use wire::provision_log::{Act, Entry, LeafBody};

use crate::draft::NotDrafted;
use crate::order::{Destroy, Order};
use crate::orders::{BodyFacts, EntryFacts, Facts, Orders};
use crate::source::{Source, StoredBody, Unreadable};
use crate::stored::leaf_hashes;
use crate::verify::Trust;
use crate::witness::Cosigned;

/// What a stored log holds.
#[derive(Debug)]
pub struct Survey {
    /// The state after its last order.
    pub orders: Orders,
    /// For each month, the outcomes whose bodies are there.
    pub months: BTreeMap<Segment, Month>,
    /// When the log took in its newest entry, by its own clock.
    pub newest_unix_ms: Option<i64>,
}

/// A month's outcomes whose bodies are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    pub bodies: u64,
    /// All of them lie in here, perhaps with those of other months.
    pub within: Range<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurveyError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("entry {index} is not as the format says")]
    Malformed { index: u64 },
    #[error(transparent)]
    NotDrafted(#[from] NotDrafted),
    #[error("it is {today} here, but the log's newest entry is more than a month older")]
    ClockAhead { today: Date },
    #[error("the clock here shows no day of the calendar")]
    NoDay,
}

/// A log that has taken in nothing for so long is asked about with the day in hand.
const QUIET_MAX: Duration = Duration::days(31);

impl Survey {
    /// Walks through the whole log.
    pub fn of(source: &mut dyn Source, trust: &Trust) -> Result<Self, SurveyError> {
        let orders = Orders::new(trust.retention.clone());
        let mut survey = Self { orders, months: BTreeMap::new(), newest_unix_ms: None };
        for chunk in chunks(0..source.end()?) {
            for stored in source.bodies(chunk)? {
                let LeafBody { logged_at_unix_ms, act } = read(&stored)?;
                survey.newest_unix_ms = survey.newest_unix_ms.max(Some(logged_at_unix_ms));
                let (index, segment) = (stored.index, segment(&stored, logged_at_unix_ms)?);
                match act {
                    Act::Outcome(_) => survey.count(segment, index),
                    Act::Order(order) => {
                        survey.take_in((index, logged_at_unix_ms), &order.note, source, trust)?;
                    }
                }
            }
        }
        Ok(survey)
    }

    /// Drafts the slips that destroy a month, if its period has ended by this day.
    pub fn draft(
        &self,
        source: &mut dyn Source,
        segment: Segment,
        today: Date,
    ) -> Result<Vec<Destroy>, SurveyError> {
        let mut draft = self.orders.draft(segment, today)?;
        let within = self.months.get(&segment).map_or(0..0, |month| month.within.clone());
        for chunk in chunks(within) {
            for stored in source.bodies(chunk)? {
                let LeafBody { logged_at_unix_ms, act } = read(&stored)?;
                if let Act::Outcome(Entry { inquirer, provider, .. }) = act
                    && self::segment(&stored, logged_at_unix_ms)? == segment
                {
                    draft.add(stored.index, leaf_hash(&stored.body), inquirer, provider)?;
                }
            }
        }
        Ok(draft.finish())
    }

    /// The day by this clock, unless it has run away from the log: a jump must not look like the end
    /// of a period.
    pub fn today(&self, now_unix_ms: i64) -> Result<Date, SurveyError> {
        let today = japanese_day(now_unix_ms).ok_or(SurveyError::NoDay)?;
        let newest = self.newest_unix_ms.and_then(japanese_day);
        let is_near = newest.is_none_or(|newest| today <= newest.saturating_add(QUIET_MAX));
        if is_near { Ok(today) } else { Err(SurveyError::ClockAhead { today }) }
    }

    /// What may become of each month on this day, and the holds in force, a line each.
    #[must_use]
    pub fn lines(&self, today: Date) -> Vec<String> {
        let months = self.months.iter().map(|(segment, month)| {
            let state = match self.orders.draft(*segment, today) {
                Ok(_) => "may be destroyed".to_owned(),
                Err(error) => error.to_string(),
            };
            format!("{segment} {:>9} bodies: {state}", month.bodies)
        });
        let holds = self.orders.holds().map(|(id, standing)| {
            format!("hold {id}, by the order at index {}: {}", standing.index, standing.hold.reason)
        });
        months.chain(holds).collect()
    }

    fn count(&mut self, segment: Segment, index: u64) {
        let next = index.saturating_add(1);
        let new = Month { bodies: 0, within: index..next };
        let month = self.months.entry(segment).or_insert(new);
        month.bodies += 1;
        month.within.end = next;
    }

    fn take_in(
        &mut self,
        (index, logged_at_unix_ms): (u64, i64),
        note: &str,
        source: &mut dyn Source,
        trust: &Trust,
    ) -> Result<(), SurveyError> {
        let Ok(opened) = Order::open(note, &trust.origin, &trust.custodians) else {
            self.orders.pass_over(index);
            return Ok(());
        };
        let mut facts = StoredFacts { source, trust };
        // An unlawful order counts for nothing; `verify` tells about it.
        let _ = self.orders.accept(index, logged_at_unix_ms, &opened, &mut facts)?;
        Ok(())
    }
}

fn read(stored: &StoredBody) -> Result<LeafBody, SurveyError> {
    let malformed = SurveyError::Malformed { index: stored.index };
    serde_json::from_slice(&stored.body).map_err(|_| malformed)
}

fn segment(stored: &StoredBody, logged_at_unix_ms: i64) -> Result<Segment, SurveyError> {
    segment_of(logged_at_unix_ms).ok_or(SurveyError::Malformed { index: stored.index })
}

/// Facts about entries as they are stored.
struct StoredFacts<'a> {
    source: &'a mut dyn Source,
    trust: &'a Trust,
}

impl Facts for StoredFacts<'_> {
    type Error = SurveyError;

    fn entries(
        &mut self,
        range: Range<u64>,
        tell: &mut dyn FnMut(EntryFacts),
    ) -> Result<(), SurveyError> {
        for chunk in chunks(range) {
            let leaves = leaf_hashes(self.source, chunk.clone())?;
            let mut bodies = BTreeMap::new();
            for stored in self.source.bodies(chunk.clone())? {
                bodies.insert(stored.index, facts(&stored)?);
            }
            for (index, leaf) in chunk.zip(leaves) {
                tell(EntryFacts { leaf, body: bodies.remove(&index).flatten() });
            }
        }
        Ok(())
    }

    fn smallest_cosigned_since(&mut self, unix_s: i64) -> Result<Option<u64>, SurveyError> {
        const LIMIT: usize = 1_000;
        let mut from = 0;
        loop {
            let page = self.source.witnessed(from, LIMIT)?;
            let seen = page.iter().filter_map(|one| Cosigned::open(&one.note, self.trust).ok());
            let mut late = seen.filter(|seen| {
                seen.witnesses > 0 && i64::try_from(seen.latest_unix_s).is_ok_and(|t| t >= unix_s)
            });
            if let Some(seen) = late.next() {
                return Ok(Some(seen.size));
            }
            match page.last() {
                Some(last) if page.len() >= LIMIT => from = last.size.saturating_add(1),
                _ => return Ok(None),
            }
        }
    }
}

/// `None` for an order, which no slip destroys.
fn facts(stored: &StoredBody) -> Result<Option<BodyFacts>, SurveyError> {
    let LeafBody { logged_at_unix_ms, act } = read(stored)?;
    let segment = segment(stored, logged_at_unix_ms)?;
    Ok(match act {
        Act::Outcome(Entry { inquirer, provider, .. }) => {
            Some(BodyFacts { segment, inquirer, provider })
        }
        Act::Order(_) => None,
    })
}

/// Pieces that lie within one tile each.
pub fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let width = u64::try_from(TILE_WIDTH).unwrap_or(1);
    let first = range.start / width;
    let last = range.end.div_ceil(width);
    (first..last).map(move |tile| {
        (tile * width).max(range.start)..(tile + 1).saturating_mul(width).min(range.end)
    })
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
