//! Whose turn it is, where many wait for the same hands.
//!
//! Three circles, one inside the other: municipalities, their batches, the sources each of these
//! asks.  Whoever had a turn goes to the end of its circle, so ten rows of one municipality do not
//! wait for another one's hundred thousand.

use std::collections::VecDeque;

/// A circle of members by key; whoever had a turn stands last.
#[derive(Clone, Debug)]
struct Circle<K, V>(VecDeque<(K, V)>);

impl<K, V> Default for Circle<K, V> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: PartialEq, V> Circle<K, V> {
    fn find(&mut self, key: &K) -> Option<&mut V> {
        self.0.iter_mut().find(|(one, _)| one == key).map(|(_, value)| value)
    }

    fn find_or_add(&mut self, key: K, make: impl FnOnce() -> V) -> Option<&mut V> {
        if self.find(&key).is_none() {
            self.0.push_back((key, make()));
            return self.0.back_mut().map(|(_, value)| value);
        }
        self.find(&key)
    }

    /// The first in the circle that has something to give; it goes to the end.
    fn turn<T>(&mut self, mut give: impl FnMut(&K, &mut V) -> Option<T>) -> Option<T> {
        let mut given = None;
        let place = self.0.iter_mut().position(|(key, value)| {
            given = give(key, value);
            given.is_some()
        })?;
        let member = self.0.remove(place);
        self.0.extend(member);
        given
    }
}

/// What waits, by municipality `M`, batch `B` and source `S`, each with its lane `L`.
#[derive(Clone, Debug)]
pub struct FairShare<M, B, S, L>(Circle<M, Circle<B, Circle<S, L>>>);

impl<M, B, S, L> Default for FairShare<M, B, S, L> {
    fn default() -> Self {
        Self(Circle::default())
    }
}

impl<M: PartialEq, B: PartialEq, S: PartialEq, L> FairShare<M, B, S, L> {
    /// The lane of a source in a batch; a new one stands last.
    pub fn lane(
        &mut self,
        municipality: M,
        batch: B,
        (source, make): (S, impl FnOnce() -> L),
    ) -> Option<&mut L> {
        let batches = self.0.find_or_add(municipality, Circle::default)?;
        batches.find_or_add(batch, Circle::default)?.find_or_add(source, make)
    }

    /// The lane, if it is there.
    pub fn find(&mut self, municipality: &M, batch: &B, source: &S) -> Option<&mut L> {
        self.0.find(municipality)?.find(batch)?.find(source)
    }

    /// Every lane of a batch.
    pub fn lanes(&mut self, municipality: &M, batch: &B) -> impl Iterator<Item = &mut L> {
        let sources = self.0.find(municipality).and_then(|batches| batches.find(batch));
        sources.into_iter().flat_map(|sources| sources.0.iter_mut().map(|(_, lane)| lane))
    }

    /// Takes a batch out, whole.
    pub fn remove(&mut self, municipality: &M, batch: &B) {
        if let Some(batches) = self.0.find(municipality) {
            batches.0.retain(|(one, _)| one != batch);
        }
        self.0.0.retain(|(_, batches)| !batches.0.is_empty());
    }

    /// The next that has something to give, in fair order.
    pub fn turn<T>(
        &mut self,
        mut give: impl FnMut((&M, &B, &S), &mut L) -> Option<T>,
    ) -> Option<T> {
        self.0.turn(|municipality, batches| {
            batches.turn(|batch, sources| {
                sources.turn(|source, lane| give((municipality, batch, source), lane))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Shares = FairShare<&'static str, u8, u8, usize>;

    /// Everything that is given until nothing is left, in order.
    fn all(shares: &mut Shares) -> Vec<(&'static str, u8, u8)> {
        let mut take = || {
            shares.turn(|(municipality, batch, source), left| {
                *left = left.checked_sub(1)?;
                Some((*municipality, *batch, *source))
            })
        };
        std::iter::from_fn(&mut take).collect()
    }

    #[test]
    fn ten_rows_do_not_wait_for_a_hundred_thousand() {
        let mut shares = Shares::default();
        shares.lane("large", 1, (1, || 100_000));
        shares.lane("small", 2, (1, || 10));
        let order = all(&mut shares);
        assert_eq!(order.len(), 100_010);
        let small = order.iter().take(20).filter(|(who, ..)| *who == "small").count();
        assert_eq!(small, 10);
    }

    #[test]
    fn batches_and_sources_take_turns_too() {
        let mut shares = Shares::default();
        for source in 1..=50 {
            shares.lane("a", 1, (source, || 10));
        }
        shares.lane("a", 2, (1, || 3));
        let order = all(&mut shares);
        assert_eq!(order.iter().take(6).filter(|(_, batch, _)| *batch == 2).count(), 3);
        let first: std::collections::BTreeSet<_> =
            order.iter().filter(|one| one.1 == 1).take(50).map(|one| one.2).collect();
        assert_eq!(first.len(), 50);
    }

    #[test]
    fn whoever_has_nothing_to_give_holds_nobody_up() {
        let mut shares = Shares::default();
        shares.lane("dead", 1, (1, || 0));
        shares.lane("alive", 2, (1, || 2));
        assert_eq!(all(&mut shares), [("alive", 2, 1), ("alive", 2, 1)]);
        shares.remove(&"alive", &2);
        assert!(shares.find(&"alive", &2, &1).is_none());
        assert!(shares.find(&"dead", &1, &1).is_some());
    }

    proptest! {
        /// Between two turns of one municipality that waits, no other has more than one.
        #[test]
        fn nobody_has_two_turns_while_another_waits(sizes in prop::collection::vec(1..30_usize, 2..6)) {
            let names = ["a", "b", "c", "d", "e"];
            let mut shares = Shares::default();
            for (name, size) in names.into_iter().zip(&sizes) {
                shares.lane(name, 1, (1, || *size));
            }
            let order: Vec<_> = all(&mut shares).into_iter().map(|one| one.0).collect();
            prop_assert_eq!(order.len(), sizes.iter().sum::<usize>());
            for (name, size) in names.into_iter().zip(&sizes) {
                let last = order.iter().rposition(|one| *one == name).unwrap();
                prop_assert!(last < size * sizes.len());
            }
        }
    }
}
