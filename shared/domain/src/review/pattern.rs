use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use super::{Count, Found, Line, Seen};

/// A line of one group, what it counts as, and whether the limit was reached with it.
type Past<'a, T> = (&'a Line, T, bool);

impl<'a> Seen<'a> {
    /// Finds, in each group, the lines with which the number of different things within the span
    /// first reaches the limit; as long as it stays reached, that is one finding.
    pub(super) fn crossings<K: Eq + Hash, T: Eq + Hash>(
        &self,
        count: Count,
        lines: impl Iterator<Item = (&'a Line, K, T)>,
        is_near: impl Fn(&Line, &Line) -> bool,
        explain: impl Fn(usize) -> String,
    ) -> Vec<Found> {
        let mut groups: HashMap<K, VecDeque<Past<'a, T>>> = HashMap::new();
        let mut found = Vec::new();
        for (line, key, thing) in lines {
            let past = groups.entry(key).or_default();
            let begin = line.at_unix_ms.saturating_sub(count.ms());
            while past.front().is_some_and(|(earlier, ..)| earlier.at_unix_ms <= begin) {
                past.pop_front();
            }
            let near = || past.iter().filter(|(earlier, ..)| is_near(earlier, line));
            let things: HashSet<&T> = near().map(|(_, thing, _)| thing).chain([&thing]).collect();
            let number = things.len();
            let is_reached = number >= count.least;
            let is_first = is_reached && !near().any(|(.., was_reached)| *was_reached);
            if is_first && self.is_new(line) {
                let sequences = near().map(|(earlier, ..)| earlier.sequence);
                let sequences = sequences.chain([line.sequence]).collect();
                found.push((line.operator.clone(), sequences, explain(number)));
            }
            past.push_back((line, thing, is_reached));
        }
        found
    }
}
