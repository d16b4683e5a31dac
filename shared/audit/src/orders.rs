//! What the orders in a log say together: which entries are held, which bodies may be gone.
//!
//! Fed with the log's orders in their order.  It keeps orders, not entries: a log of ten million
//! entries costs it no more than one of ten.  What it must know about entries it asks for ([`Facts`]),
//! and only when a slip is judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::once,
    ops::Range,
};

use domain::{
    MunicipalityCode,
    retention::{RetentionRules, Segment},
};
use ledger::Hash;
use time::Date;
use uuid::Uuid;

use crate::{
    order::{Destroy, Hold, OpenedOrder, OrderAct, Scope},
    ranges::Ranges,
    slip,
};

/// The state after the last order taken in.  Clone it to try orders before they are durable.
#[derive(Clone, Debug)]
pub struct Orders {
    rules: RetentionRules,
    /// Ids of the orders that count; each counts once.
    ids: BTreeSet<Uuid>,
    /// Where orders stand, those that do not count included: no slip destroys an order.
    places: BTreeSet<u64>,
    holds: BTreeMap<Uuid, StandingHold>,
    slips: Vec<Slip>,
}

/// A hold in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingHold {
    /// Where its order stands in the log.
    pub index: u64,
    pub hold: Hold,
}

/// A slip in the log, lawful or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// Where the slip stands in the log.
    pub index: u64,
    pub id: Uuid,
    pub segment: Segment,
    pub verdict: Verdict,
    pub(crate) destroyed: Ranges,
}

impl Slip {
    /// The entries whose bodies it destroys, ascending.
    pub fn destroyed(&self) -> impl Iterator<Item = Range<u64>> {
        self.destroyed.iter()
    }
}

/// Whether an order is lawful; one that is not has no effect.
pub type Verdict = Result<(), Unlawful>;

/// Why an order does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlawful {
    #[error("the order needs signatures of {needed} different custodians and has {found}")]
    TooFewSignatures { needed: usize, found: usize },
    #[error("an order with this id stands in the log already")]
    Repeated,
    #[error("no hold with this id is in force")]
    NoSuchHold,
    #[error("the slip's ranges are not ascending, touch each other, or reach the slip itself")]
    Ranges,
    #[error("the entries that the slip names as held are not ascending or outside its ranges")]
    Held,
    #[error("no retention rule says how long the segment is kept")]
    NoRule,
    #[error("the segment is kept for {needed} years")]
    YearsTooFew { needed: u32 },
    #[error("with these years, the segment's last kept day is {right}")]
    WrongLastDay { right: Date },
    #[error("the slip was logged before the segment's period had ended")]
    TooEarly,
    #[error("entry {index} is under a hold and the slip does not say so")]
    UnderHold { index: u64 },
    #[error("the body of entry {index} had been destroyed before")]
    DestroyedBefore { index: u64 },
    #[error("entry {index} belongs to another segment")]
    OtherSegment { index: u64 },
    #[error("the slip destroys {counted} bodies, not as many as it says")]
    WrongCount { counted: u64 },
    #[error("the slip's digest does not fit the leaf hashes")]
    WrongDigest,
    #[error("a day after the segment had ended, witnesses saw a log of {size} entries only")]
    Younger { size: u64 },
}

/// What became of a body that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No order destroyed it: it was deleted.
    Kept,
    /// The slip at this index destroyed it lawfully.
    Destroyed { slip: u64 },
    /// The slip at this index names it, and breaks the rules.
    Unlawful { slip: u64, reason: Unlawful },
}

/// What the log and its witnesses say about entries; asked when a slip is judged.
pub trait Facts {
    type Error;

    /// Tells about each entry of the range, in order, none left out.
    fn entries(
        &mut self,
        range: Range<u64>,
        tell: &mut dyn FnMut(EntryFacts),
    ) -> Result<(), Self::Error>;

    /// The smallest size of the checkpoints that witnesses cosigned at this time or later.
    fn smallest_cosigned_since(&mut self, unix_s: i64) -> Result<Option<u64>, Self::Error>;
}

/// An entry as a slip's judge sees it.
#[derive(Clone, Copy, Debug)]
pub struct EntryFacts {
    pub leaf: Hash,
    /// What the body says, if it is (still) there.
    pub body: Option<BodyFacts>,
}

#[derive(Clone, Copy, Debug)]
pub struct BodyFacts {
    pub segment: Segment,
    pub inquirer: MunicipalityCode,
    pub provider: MunicipalityCode,
}

impl Orders {
    /// No orders yet.
    pub fn new(rules: RetentionRules) -> Self {
        Self {
            rules,
            ids: BTreeSet::new(),
            places: BTreeSet::new(),
            holds: BTreeMap::new(),
            slips: Vec::new(),
        }
    }

    /// Judges the order at this index and, if it is lawful, lets it count from here on.
    ///
    /// An unlawful slip is remembered as such, see [`Orders::fates`].  An error means that the
    /// facts could not be had; then nothing has changed.
    pub fn accept<F: Facts>(
        &mut self,
        index: u64,
        logged_at_unix_ms: i64,
        opened: &OpenedOrder,
        facts: &mut F,
    ) -> Result<Verdict, F::Error> {
        let verdict = match self.judge_signatures(opened) {
            Ok(()) => match &opened.order.order {
                OrderAct::Hold(_) => Ok(()),
                OrderAct::LiftHold(lift) if self.holds.contains_key(&lift.hold) => Ok(()),
                OrderAct::LiftHold(_) => Err(Unlawful::NoSuchHold),
                OrderAct::Destroy(destroy) => {
                    slip::judge(self, (index, logged_at_unix_ms), destroy, facts)?
                }
            },
            unlawful => unlawful,
        };
        self.record(index, opened, verdict);
        Ok(verdict)
    }

    /// Takes in an order again that was found lawful when it was logged, as at a start.
    pub fn recall(&mut self, index: u64, opened: &OpenedOrder) {
        self.record(index, opened, Ok(()));
    }

    /// Passes over an order that cannot be opened: it has no effect, and is not destroyed either.
    pub fn pass_over(&mut self, index: u64) {
        self.places.insert(index);
    }

    fn judge_signatures(&self, opened: &OpenedOrder) -> Verdict {
        let (needed, found) = (opened.order.order.signatures_needed(), opened.signed_by.len());
        if found < needed {
            return Err(Unlawful::TooFewSignatures { needed, found });
        }
        if self.ids.contains(&opened.order.id) { Err(Unlawful::Repeated) } else { Ok(()) }
    }

    fn record(&mut self, index: u64, opened: &OpenedOrder, verdict: Verdict) {
        let id = opened.order.id;
        if let OrderAct::Destroy(destroy) = &opened.order.order {
            let destroyed = self.destroyed_by(index, destroy);
            let segment = destroy.segment;
            self.slips.push(Slip { index, id, segment, destroyed, verdict });
        }
        self.places.insert(index);
        if verdict.is_err() {
            return;
        }
        self.ids.insert(id);
        match &opened.order.order {
            OrderAct::Hold(hold) => {
                let mut hold = hold.clone();
                if let Scope::Entries(entries) = &mut hold.scope {
                    entries.sort_unstable();
                }
                self.holds.insert(id, StandingHold { index, hold });
            }
            OrderAct::LiftHold(lift) => drop(self.holds.remove(&lift.hold)),
            OrderAct::Destroy(_) => {}
        }
    }

    /// The entries whose bodies a slip at this index destroys: neither held ones nor orders.
    pub(crate) fn destroyed_by(&self, index: u64, destroy: &Destroy) -> Ranges {
        let ranges = Ranges::of(destroy.ranges.iter().map(|(from, to)| *from..index.min(*to)));
        let orders = ranges.iter().flat_map(|range| self.places.range(range));
        let stay = orders.chain(&destroy.held).copied();
        ranges.minus(&singles(stay))
    }

    pub(crate) fn rules(&self) -> &RetentionRules {
        &self.rules
    }

    /// Whether an order stands at this index; orders are never destroyed.
    pub fn is_order(&self, index: u64) -> bool {
        self.places.contains(&index)
    }

    /// Whether an entry is under a hold in force.
    pub fn is_held(
        &self,
        index: u64,
        inquirer: MunicipalityCode,
        provider: MunicipalityCode,
    ) -> bool {
        self.holds.values().any(|standing| standing.covers(index, inquirer, provider))
    }

    /// The holds in force, with their ids.
    pub fn holds(&self) -> impl Iterator<Item = (Uuid, &StandingHold)> {
        self.holds.iter().map(|(id, standing)| (*id, standing))
    }

    /// Every slip, in log order.
    pub fn slips(&self) -> &[Slip] {
        &self.slips
    }

    /// What became of bodies that are missing, after the whole log was fed: the range in pieces.
    pub fn fates(&self, missing: Range<u64>) -> Vec<(Range<u64>, Fate)> {
        let (lawful, unlawful): (Vec<&Slip>, Vec<&Slip>) =
            self.slips.iter().partition(|slip| slip.verdict.is_ok());
        let mut left = Ranges::of(once(missing));
        let mut fates = Vec::new();
        for slip in lawful.into_iter().chain(unlawful) {
            let fate = match slip.verdict {
                Ok(()) => Fate::Destroyed { slip: slip.index },
                Err(reason) => Fate::Unlawful { slip: slip.index, reason },
            };
            let named = left.and(&slip.destroyed);
            left = left.minus(&named);
            fates.extend(named.iter().map(|range| (range, fate)));
        }
        fates.extend(left.iter().map(|range| (range, Fate::Kept)));
        fates.sort_unstable_by_key(|(range, _)| range.start);
        fates
    }
}

impl StandingHold {
    /// Whether this hold keeps the entry.
    pub fn covers(
        &self,
        index: u64,
        inquirer: MunicipalityCode,
        provider: MunicipalityCode,
    ) -> bool {
        match &self.hold.scope {
            Scope::Range(range) => (range.from_index..range.to_index).contains(&index),
            Scope::Municipality(code) => *code == inquirer || *code == provider,
            Scope::Entries(entries) => entries.binary_search(&index).is_ok(),
        }
    }

    /// The first of these entries that it keeps whoever's they are.
    pub(crate) fn first_of(&self, entries: &Ranges) -> Option<u64> {
        let named = match &self.hold.scope {
            Scope::Range(range) => Ranges::of(once(range.from_index..range.to_index)),
            Scope::Entries(named) => singles(named.iter().copied()),
            Scope::Municipality(_) => return None,
        };
        entries.and(&named).iter().next().map(|range| range.start)
    }
}

/// The last number of all is no index: nothing can stand behind it.
fn singles(indices: impl IntoIterator<Item = u64>) -> Ranges {
    Ranges::of(indices.into_iter().map(|index| index..index.saturating_add(1)))
}

#[cfg(test)]
#[path = "orders_tests.rs"]
pub(crate) mod tests;
