//! Finds out which of several stored hashes were the ones that were signed.

use ledger::Hash;

/// What is claimed for one place, one claim for each place of storage: body, tile, leaf row,
/// receipt.
pub(crate) type Claims = [Option<Hash>; 4];

/// How many combinations one search may try.
const TRIES_MAX: u32 = 1_000;
/// Everything from one place of storage is always tried.
const TRIES_MIN: u32 = 5;

/// How many combinations all searches together may try: damage must not stall the verifier.
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(50_000)
    }
}

impl Budget {
    /// Picks one claim for each place so that together they are accepted.
    ///
    /// First everything from one place of storage, then ever more exceptions to that.  Whatever is
    /// accepted is right: nobody finds two answers with the same root.
    pub(crate) fn resolve(
        &mut self,
        claims: &[Claims],
        accept: impl FnMut(&[Hash]) -> bool,
    ) -> Option<Vec<Hash>> {
        let bases: Vec<Vec<Hash>> = (0..4).filter_map(|place| base(claims, place)).collect();
        let tries_left = u32::try_from(self.0).unwrap_or(TRIES_MAX).clamp(TRIES_MIN, TRIES_MAX);
        let mut search = Search { claims, accept, tries_left };
        let found = search.run(bases);
        self.0 = self.0.saturating_sub(u64::from(tries_left - search.tries_left));
        found
    }
}

/// Everything from one place of storage, as far as it has it.
fn base(claims: &[Claims], place: usize) -> Option<Vec<Hash>> {
    let has_any = claims.iter().any(|claims| matches!(claims.get(place), Some(Some(_))));
    let pick = |claims: &Claims| {
        claims.get(place).copied().flatten().or_else(|| claims.iter().flatten().next().copied())
    };
    if has_any { claims.iter().map(pick).collect() } else { None }
}

struct Search<'c, A> {
    claims: &'c [Claims],
    accept: A,
    tries_left: u32,
}

impl<A: FnMut(&[Hash]) -> bool> Search<'_, A> {
    fn run(&mut self, mut bases: Vec<Vec<Hash>>) -> Option<Vec<Hash>> {
        bases.dedup();
        for exceptions in 0..4 {
            for base in &mut bases {
                if self.vary(base, 0, exceptions) {
                    return Some(base.clone());
                }
            }
        }
        None
    }

    /// Tries all ways of exactly this many exceptions from `start` on.
    fn vary(&mut self, picked: &mut [Hash], start: usize, exceptions: u32) -> bool {
        if exceptions == 0 {
            self.tries_left = self.tries_left.saturating_sub(1);
            return self.tries_left > 0 && (self.accept)(picked);
        }
        for place in start..self.claims.len() {
            let Some(kept) = picked.get(place).copied() else { return false };
            for other in self.claims.get(place).into_iter().flatten().flatten() {
                if *other == kept {
                    continue;
                }
                set(picked, place, *other);
                if self.vary(picked, place + 1, exceptions - 1) {
                    return true;
                }
            }
            set(picked, place, kept);
            if self.tries_left == 0 {
                return false;
            }
        }
        false
    }
}

fn set(picked: &mut [Hash], place: usize, hash: Hash) {
    if let Some(slot) = picked.get_mut(place) {
        *slot = hash;
    }
}

#[cfg(test)]
mod tests {
    use ledger::leaf_hash;

    use super::*;

    fn hash(number: usize) -> Hash {
        leaf_hash(&number.to_be_bytes())
    }

    #[test]
    fn exceptions_in_either_place_are_found() {
        let right: Vec<Hash> = (0..40).map(hash).collect();
        for (bodies, tiles) in [(vec![], vec![0]), (vec![7], vec![7, 8]), (vec![1, 2], vec![3])] {
            let wrong_in = |places: &[usize], index: usize| {
                if places.contains(&index) { hash(1000 + index) } else { hash(index) }
            };
            let claims: Vec<Claims> = (0..40)
                .map(|index| {
                    let row = Some(hash(index)).filter(|_| bodies.contains(&index));
                    [Some(wrong_in(&bodies, index)), Some(wrong_in(&tiles, index)), row, None]
                })
                .collect();
            let found = Budget::default().resolve(&claims, |picked| picked == right);
            assert_eq!(found.as_ref(), Some(&right), "{bodies:?} {tiles:?}");
        }
    }

    #[test]
    fn what_nobody_has_is_not_found() {
        let none: Claims = [None; 4];
        assert_eq!(Budget::default().resolve(&[none], |_| true), None);
        let claims: Vec<Claims> =
            (0..300).map(|n| [Some(hash(n)), Some(hash(n + 300)), None, None]).collect();
        let mut tries = 0;
        let mut budget = Budget::default();
        let found = budget.resolve(&claims, |_| {
            tries += 1;
            false
        });
        assert_eq!((found, tries < 1_001), (None, true));
        let few: Vec<Claims> = claims.iter().take(9).copied().collect();
        let right: Vec<Hash> = (300..309).map(hash).collect();
        assert_eq!(Budget(0).resolve(&few, |picked| picked == right), Some(right.clone()));
        let mixed: Vec<Hash> = right.iter().take(8).copied().chain([hash(8)]).collect();
        assert_eq!(Budget(0).resolve(&few, |picked| picked == mixed), None);
    }
}
