//! Sets of indices that are mostly runs: as many entries as a log has, in as little room as it has
//! gaps.

use std::ops::Range;

/// Ascending ranges that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// Takes ranges in any order, empty ones too.
    pub(crate) fn of(ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut list: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        list.sort_by_key(|range| range.start);
        let mut set = Self::default();
        list.into_iter().for_each(|range| set.push(range));
        set
    }

    /// Adds a range that begins nowhere before the last one began.
    pub(crate) fn push(&mut self, range: Range<u64>) {
        match self.0.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => self.0.push(range),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.0.iter().cloned()
    }

    pub(crate) fn last(&self) -> Option<Range<u64>> {
        self.0.last().cloned()
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, index: u64) -> bool {
        self.near(index).next().is_some_and(|range| range.contains(&index))
    }

    /// Those that end after `index`, the nearest first.
    fn near(&self, index: u64) -> impl Iterator<Item = &Range<u64>> {
        let first = self.0.partition_point(|range| range.end <= index);
        self.0.iter().skip(first)
    }

    /// What is in both.
    pub(crate) fn within(&self, window: Range<u64>) -> Self {
        if window.is_empty() {
            return Self::default();
        }
        let near = self.near(window.start).take_while(|range| range.start < window.end);
        Self(near.map(|r| r.start.max(window.start)..r.end.min(window.end)).collect())
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.iter().flat_map(|range| other.within(range).0).collect())
    }

    /// What is here and not there.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let mut left = Self::default();
        for range in self.iter() {
            let mut start = range.start;
            for hole in other.within(range.clone()).0 {
                left.push(start..hole.start);
                start = hole.end;
            }
            left.push(start..range.end);
        }
        left
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self::of(self.iter().chain(other.iter()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn some_ranges() -> impl Strategy<Value = Vec<Range<u64>>> {
        let range = (0..60u64, 0..9u64).prop_map(|(start, length)| start..start + length);
        prop::collection::vec(range, 0..8)
    }

    fn plain(ranges: &Ranges) -> BTreeSet<u64> {
        assert!(ranges.0.windows(2).all(|pair| pair[0].end < pair[1].start));
        ranges.iter().flatten().collect()
    }

    proptest! {
        #[test]
        fn the_sets_are_those_of_plain_numbers(a in some_ranges(), b in some_ranges()) {
            let plain_a: BTreeSet<u64> = a.iter().cloned().flatten().collect();
            let plain_b: BTreeSet<u64> = b.iter().cloned().flatten().collect();
            let (a, b) = (Ranges::of(a), Ranges::of(b));
            prop_assert_eq!(plain(&a), plain_a.clone());
            prop_assert_eq!(plain(&a.minus(&b)), &plain_a - &plain_b);
            prop_assert_eq!(plain(&a.and(&b)), &plain_a & &plain_b);
            prop_assert_eq!(plain(&a.or(&b)), &plain_a | &plain_b);
            prop_assert!((0..80).all(|index| a.contains(index) == plain_a.contains(&index)));
            prop_assert_eq!(a.count(), u64::try_from(plain_a.len()).unwrap());
        }
    }
}
