//! Who asks and finds nothing too often: perhaps somebody tries numbers (enumeration).

use std::collections::VecDeque;

use time::{Duration, OffsetDateTime};

use crate::bounded::{Bounded, Operator};

const WINDOW: Duration = Duration::HOUR;

/// The times of each operator's mismatches within the last hour; nothing about what was asked.
///
/// Every mismatch counts, a repeated inquiry's too: with one id a thousand numbers could be tried.
#[derive(Debug)]
pub(crate) struct Mismatches {
    times: Bounded<Operator, VecDeque<OffsetDateTime>>,
    alert_at: usize,
    block_at: usize,
}

impl Mismatches {
    pub(crate) fn new(operators_max: usize, alert_at: usize, block_at: usize) -> Self {
        Self { times: Bounded::new(operators_max), alert_at, block_at }
    }

    /// If the operator is blocked, for how many seconds still.
    ///
    /// Inquiries already under way when the threshold is met still end as they end, so an operator
    /// can exceed it by as many as may be in flight.
    pub(crate) fn blocked_s(&self, operator: &Operator, now: OffsetDateTime) -> Option<u64> {
        if self.block_at == 0 {
            return None;
        }
        // Blocked as long as this many mismatches, counted from the newest, are in the window.
        let decisive = self.times.find(operator)?.iter().nth_back(self.block_at - 1)?;
        let left = *decisive + WINDOW - now;
        (left > Duration::ZERO).then(|| left.whole_seconds().unsigned_abs() + 1)
    }

    /// Counts one more; `true` when somebody should look.
    pub(crate) fn count(&mut self, operator: &Operator, now: OffsetDateTime) -> bool {
        let kept_max = self.alert_at.max(self.block_at);
        if kept_max == 0 {
            return false;
        }
        let times = self.times.see(operator, VecDeque::new);
        times.retain(|at| *at + WINDOW > now);
        if times.len() == kept_max {
            times.pop_front();
        }
        times.push_back(now);
        times.len() == self.alert_at
    }
}

#[cfg(test)]
mod tests {
    use domain::{Clock as _, FixedClock};

    use super::*;
    use crate::bounded::operator;

    fn clock() -> FixedClock {
        FixedClock::at(OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_alert_comes_once_and_the_block_at_its_own_threshold() {
        let (clock, mut mismatches) = (clock(), Mismatches::new(10, 20, 50));
        let who = operator("a");
        let alerts: Vec<usize> = (1..=49).filter(|_| mismatches.count(&who, clock.now())).collect();
        assert_eq!(alerts, [20]);
        assert_eq!(mismatches.blocked_s(&who, clock.now()), None);
        mismatches.count(&who, clock.now());
        assert_eq!(mismatches.blocked_s(&who, clock.now()), Some(3_601));
        assert_eq!(mismatches.blocked_s(&operator("b"), clock.now()), None);
    }

    #[test]
    fn the_hour_slides() {
        let (clock, mut mismatches) = (clock(), Mismatches::new(10, 0, 3));
        let who = operator("a");
        for _ in 0..3 {
            mismatches.count(&who, clock.now());
            clock.advance(Duration::minutes(20));
        }
        // The first is an hour old now, so two count.
        assert_eq!(mismatches.blocked_s(&who, clock.now()), None);
        mismatches.count(&who, clock.now());
        assert_eq!(mismatches.blocked_s(&who, clock.now()), Some(20 * 60 + 1));
        clock.advance(Duration::minutes(20));
        assert_eq!(mismatches.blocked_s(&who, clock.now()), None);
    }

    #[test]
    fn an_operator_who_goes_on_stays_blocked_and_small() {
        let (clock, mut mismatches) = (clock(), Mismatches::new(10, 20, 50));
        let who = operator("a");
        for _ in 0..1_000 {
            mismatches.count(&who, clock.now());
        }
        assert!(mismatches.blocked_s(&who, clock.now()).is_some());
        assert_eq!(mismatches.times.find(&who).unwrap().len(), 50);
    }

    #[test]
    fn many_operators_are_forgotten_from_the_oldest() {
        let (clock, mut mismatches) = (clock(), Mismatches::new(3, 0, 1));
        for name in ["a", "b", "c", "d"] {
            mismatches.count(&operator(name), clock.now());
        }
        let blocked = ["a", "b", "c", "d"]
            .map(|name| mismatches.blocked_s(&operator(name), clock.now()).is_some());
        assert_eq!(blocked, [false, true, true, true]);
        assert_eq!(mismatches.times.len(), 3);
    }

    #[test]
    fn zero_means_never() {
        let (clock, mut mismatches) = (clock(), Mismatches::new(10, 0, 0));
        assert!((0..100).all(|_| !mismatches.count(&operator("a"), clock.now())));
        assert_eq!(mismatches.blocked_s(&operator("a"), clock.now()), None);
        assert_eq!(mismatches.times.len(), 0);
    }
}
