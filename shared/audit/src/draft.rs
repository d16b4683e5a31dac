//! Drafts the slips that destroy a segment, for the custodians to sign.

use domain::{
    MunicipalityCode,
    retention::{RetentionClass, Segment, segment_last_kept_day},
};
use ledger::Hash;
use sha2::{Digest, Sha256};
use time::Date;

use crate::{order::Destroy, orders::Orders};

/// A slip must fit into an entry of 65,535 bytes, its signatures included; with more than this,
/// the segment takes several slips.
const RANGES_MAX: usize = 1_000;
const HELD_MAX: usize = 2_000;

/// A segment's slips in the making.
#[derive(Debug)]
pub struct Draft<'o> {
    orders: &'o Orders,
    segment: Segment,
    years: u32,
    kept_through: Date,
    /// The first index that may come next.
    next: u64,
    part: Part,
    slips: Vec<Destroy>,
}

#[derive(Debug, Default)]
struct Part {
    ranges: Vec<(u64, u64)>,
    held: Vec<u64>,
    bodies: u64,
    digest: Sha256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDrafted {
    #[error("no retention rule says how long the segment is kept")]
    NoRule,
    #[error("the segment is kept through {kept_through}")]
    TooEarly { kept_through: Date },
    #[error("the segment's entries were not given in their order")]
    Disorder,
}

impl Orders {
    /// Begins to draft the destruction of a segment, if its period has ended by this day.
    ///
    /// A draft destroys nothing: it becomes an order when two custodians sign it.
    pub fn draft(&self, segment: Segment, today: Date) -> Result<Draft<'_>, NotDrafted> {
        let years = self.rules().segment_years(RetentionClass::Provision, segment, today);
        let years = years.ok_or(NotDrafted::NoRule)?;
        let kept_through = segment_last_kept_day(segment, years).ok_or(NotDrafted::NoRule)?;
        if today <= kept_through {
            return Err(NotDrafted::TooEarly { kept_through });
        }
        let (part, slips) = (Part::default(), Vec::new());
        Ok(Draft { orders: self, segment, years, kept_through, next: 0, part, slips })
    }
}

impl Draft<'_> {
    /// Adds the segment's next entry whose body is still there; orders are passed over.
    pub fn add(
        &mut self,
        index: u64,
        leaf: Hash,
        inquirer: MunicipalityCode,
        provider: MunicipalityCode,
    ) -> Result<(), NotDrafted> {
        let end = index.checked_add(1).ok_or(NotDrafted::Disorder)?;
        if index < self.next {
            return Err(NotDrafted::Disorder);
        }
        if self.orders.is_order(index) {
            return Ok(());
        }
        let gap = std::mem::replace(&mut self.next, end)..index;
        let held = self.orders.is_held(index, inquirer, provider);
        let goes_on = !self.part.ranges.is_empty()
            && gap.into_iter().all(|between| self.orders.is_order(between));
        let is_full = (!goes_on && self.part.ranges.len() >= RANGES_MAX)
            || (held && self.part.held.len() >= HELD_MAX);
        if is_full {
            self.close_part();
        }
        match self.part.ranges.last_mut() {
            Some((_, to)) if goes_on => *to = end,
            _ => self.part.ranges.push((index, end)),
        }
        if held {
            self.part.held.push(index);
        } else {
            self.part.bodies += 1;
            self.part.digest.update(leaf.as_bytes());
        }
        Ok(())
    }

    /// The slips; none if nothing may go.
    #[must_use]
    pub fn finish(mut self) -> Vec<Destroy> {
        self.close_part();
        self.slips
    }

    fn close_part(&mut self) {
        let Part { ranges, held, bodies, digest } = std::mem::take(&mut self.part);
        if bodies == 0 {
            return;
        }
        let digest = Hash::from(<[u8; Hash::LEN]>::from(digest.finalize()));
        let (segment, kept_through, years) = (self.segment, self.kept_through, self.years);
        self.slips.push(Destroy { segment, ranges, held, bodies, digest, kept_through, years });
    }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
