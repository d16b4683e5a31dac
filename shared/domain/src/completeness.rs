use serde::{Deserialize, Serialize};
use time::Date;

use crate::vaccination::iso_date;

/// What a municipality says of all its records: complete from one day up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Completeness {
    /// Doses before this day may be missing.
    #[serde(with = "iso_date")]
    pub from: Date,
    /// Doses after this day may be missing.
    #[serde(with = "iso_date")]
    pub up_to: Date,
    pub stated_at_unix_s: i64,
}

impl Completeness {
    /// A statement is about the past, and about at least one day.
    pub fn is_plausible(&self, today: Date) -> bool {
        self.from <= self.up_to && self.up_to <= today
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn nobody_knows_the_future_or_a_time_that_runs_backwards() {
        let today = date!(2026 - 04 - 01);
        let state = |from, up_to| Completeness { from, up_to, stated_at_unix_s: 0 };
        assert!(state(today, today).is_plausible(today));
        assert!(!state(today, date!(2026 - 04 - 02)).is_plausible(today));
        assert!(!state(date!(2026 - 03 - 02), date!(2026 - 03 - 01)).is_plausible(today));
    }
}
