use std::hash::Hash;

use time::OffsetDateTime;

use crate::bounded::Bounded;

/// How many inquiries each caller has left: a bucket that fills again with time.
#[derive(Debug)]
pub(crate) struct Rates<K> {
    buckets: Bounded<K, Bucket>,
    per_s_max: u32,
    burst_max: u32,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: OffsetDateTime,
}

impl<K: Clone + Eq + Hash> Rates<K> {
    pub(crate) fn new(callers_max: usize, per_s_max: u32, burst_max: u32) -> Self {
        Self { buckets: Bounded::new(callers_max), per_s_max, burst_max }
    }

    /// Takes one inquiry from the caller's bucket; `false` if none is left.
    pub(crate) fn take(&mut self, caller: &K, now: OffsetDateTime) -> bool {
        if self.per_s_max == 0 {
            return true;
        }
        let burst = f64::from(self.burst_max);
        let bucket = self.buckets.see(caller, || Bucket { left: burst, at: now });
        let passed_s = (now - bucket.at).as_seconds_f64().max(0.0);
        bucket.left = burst.min(bucket.left + passed_s * f64::from(self.per_s_max));
        bucket.at = now;
        let is_left = bucket.left >= 1.0;
        if is_left {
            bucket.left -= 1.0;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use domain::{Clock as _, FixedClock};
    use time::Duration;

    use super::*;
    use crate::bounded::operator;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate_counts_for_each_operator_alone() {
        let clock = FixedClock::at(OffsetDateTime::UNIX_EPOCH);
        let mut rates = Rates::new(10, 2, 5);
        let mut taken = |name: &str, clock: &FixedClock| {
            (0..20).filter(|_| rates.take(&operator(name), clock.now())).count()
        };
        assert_eq!(taken("a", &clock), 5);
        assert_eq!(taken("a", &clock), 0);
        assert_eq!(taken("b", &clock), 5);
        clock.advance(Duration::seconds(1));
        assert_eq!(taken("a", &clock), 2);
        clock.advance(Duration::hours(1));
        assert_eq!(taken("a", &clock), 5);
    }

    #[test]
    fn a_clock_set_back_gives_and_takes_nothing() {
        let mut rates = Rates::new(10, 1, 1);
        let now = OffsetDateTime::UNIX_EPOCH + Duration::hours(1);
        assert!(rates.take(&operator("a"), now));
        assert!(!rates.take(&operator("a"), OffsetDateTime::UNIX_EPOCH));
    }

    #[test]
    fn zero_means_no_limit() {
        let mut rates = Rates::new(1, 0, 0);
        assert!((0..1_000).all(|_| rates.take(&operator("a"), OffsetDateTime::UNIX_EPOCH)));
    }
}
