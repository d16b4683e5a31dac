use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use domain::{MunicipalityCode, OperatorId};

/// An operator id is unique within its municipality's rooms at most, so both are the key.
pub(crate) type Operator = (MunicipalityCode, OperatorId);

/// Something about each caller seen lately; the one unseen for longest makes room for a new one.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// Who was seen in which turn, oldest first.
    turns: BTreeMap<u64, K>,
    turn: u64,
    entries_max: usize,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { entries: HashMap::new(), turns: BTreeMap::new(), turn: 0, entries_max }
    }

    /// Looks without counting as seeing.
    pub(crate) fn find(&self, caller: &K) -> Option<&V> {
        self.entries.get(caller).map(|(_, value)| value)
    }

    pub(crate) fn see(&mut self, caller: &K, make: impl FnOnce() -> V) -> &mut V {
        self.turn += 1;
        if let Some((turn, _)) = self.entries.get(caller) {
            self.turns.remove(turn);
        } else if self.entries.len() >= self.entries_max
            && let Some((_, oldest)) = self.turns.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.turns.insert(self.turn, caller.clone());
        let entry = self.entries.entry(caller.clone()).or_insert_with(|| (0, make()));
        entry.0 = self.turn;
        &mut entry.1
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.entries.len(), self.turns.len());
        self.entries.len()
    }
}

#[cfg(test)]
pub(crate) fn operator(name: &str) -> Operator {
    (MunicipalityCode::parse("072036").unwrap(), OperatorId::parse(name).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_unseen_for_longest_makes_room() {
        let [first, second, third] = ["1", "2", "3"].map(operator);
        let mut bounded = Bounded::new(2);
        *bounded.see(&first, || 0) += 1;
        *bounded.see(&second, || 0) += 1;
        *bounded.see(&first, || 0) += 1;
        assert!(bounded.find(&second).is_some(), "looking is not seeing");
        *bounded.see(&third, || 0) += 1;
        assert_eq!(
            [&first, &second, &third].map(|one| bounded.find(one).copied()),
            [Some(2), None, Some(1)]
        );
    }

    #[test]
    fn memory_stays_bounded_whoever_comes() {
        let mut bounded = Bounded::new(10);
        for number in 0..1_000 {
            bounded.see(&operator(&number.to_string()), || ());
        }
        assert_eq!(bounded.len(), 10);
    }
}
