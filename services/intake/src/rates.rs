//! How many captures each device has left: a bucket that fills again with time.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::sender::Name;

#[derive(Debug)]
pub(crate) struct Rates {
    buckets: HashMap<Name, Bucket>,
    devices_max: usize,
    per_s_max: u32,
    burst_max: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: OffsetDateTime,
}

impl Rates {
    pub(crate) fn new(devices_max: usize, per_s_max: u32, burst_max: u32) -> Self {
        Self { buckets: HashMap::new(), devices_max, per_s_max, burst_max }
    }

    /// Takes so many captures from the device's bucket; `false` if fewer are left.
    pub(crate) fn take(&mut self, device: &Name, captures: u32, now: OffsetDateTime) -> bool {
        if self.per_s_max == 0 {
            return true;
        }
        if self.buckets.len() >= self.devices_max && !self.buckets.contains_key(device) {
            self.buckets.clear();
        }
        let burst = f64::from(self.burst_max);
        let bucket = self.buckets.entry(device.clone()).or_insert(Bucket { left: burst, at: now });
        let passed_s = (now - bucket.at).as_seconds_f64().max(0.0);
        bucket.left = burst.min(bucket.left + passed_s * f64::from(self.per_s_max));
        bucket.at = now;
        let is_left = bucket.left >= f64::from(captures);
        if is_left {
            bucket.left -= f64::from(captures);
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use domain::{MunicipalityCode, TerminalId};
    use time::Duration;

    use super::*;

    fn device(name: &str) -> Name {
        let municipality = MunicipalityCode::parse("131211").unwrap();
        Name { municipality, device: TerminalId::parse(name).unwrap() }
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate_counts_for_each_device_alone() {
        let mut rates = Rates::new(10, 2, 5);
        let now = OffsetDateTime::UNIX_EPOCH;
        assert!(rates.take(&device("a"), 5, now));
        assert!(!rates.take(&device("a"), 1, now));
        assert!(rates.take(&device("b"), 5, now));
        let later = now + Duration::seconds(1);
        assert!(rates.take(&device("a"), 2, later));
        assert!(!rates.take(&device("a"), 1, later));
        assert!(rates.take(&device("a"), 5, now + Duration::hours(1)));
    }

    #[test]
    fn too_many_devices_are_forgotten_and_zero_means_no_limit() {
        let mut rates = Rates::new(1, 1, 1);
        let now = OffsetDateTime::UNIX_EPOCH;
        assert!(rates.take(&device("a"), 1, now) && rates.take(&device("b"), 1, now));
        assert_eq!(rates.buckets.len(), 1);
        let mut free = Rates::new(1, 0, 0);
        assert!((0..100).all(|_| free.take(&device("a"), 100, now)));
    }
}
