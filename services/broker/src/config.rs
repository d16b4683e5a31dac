use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use service::config::ListenConfig;
use service::server::StartError;
use wire::client::Deadlines;
use wire::tls::TlsFiles;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub listen: ListenConfig,
    pub tls: TlsFiles,
    /// Base URL of the provision log.
    pub provision_log_url: String,
    /// PEM file of the key that signs permits.
    pub permit_key: PathBuf,
    /// CSV file of the permission list, read again when it changes; absent means the list that
    /// ships with the program.
    #[serde(default)]
    pub permission_list: Option<PathBuf>,
    #[serde(default)]
    pub limits: Limits,
}

/// Every bound of the broker.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How far the asker's clock may differ from ours.
    pub clock_s_max: u64,
    /// How long a permit is good for.
    pub permit_s_max: u32,
    /// "Nothing" is released only at multiples of this since receipt; 0 means at once.
    pub nothing_quantum_ms: u64,
    /// Inquiries at a time, of everybody together; more are sent away unread.
    pub in_flight_max: usize,
    pub in_flight_per_municipality_max: usize,
    /// Inquiries of one operator; 0 means no limit.
    pub requests_per_s_max: u32,
    /// How many may come at once after a pause.
    pub requests_burst_max: u32,
    /// Rows of batches of one municipality; 0 means no limit.
    pub batch_requests_per_s_max: u32,
    pub batch_requests_burst_max: u32,
    /// Inquiries of one partition instance for municipalities that it does not host; 0: no limit.
    pub strangers_per_s_max: u32,
    pub strangers_burst_max: u32,
    /// Answers "nothing" to one operator within an hour from which somebody is alerted; 0: never.
    pub mismatches_alert_at: usize,
    /// The same, from which the operator is refused; 0: never.
    pub mismatches_block_at: usize,
    /// Operators remembered; beyond, the one not seen for longest is forgotten.
    pub operators_max: usize,
    pub connect_ms_max: u64,
    /// How long the source municipality may take to answer.
    pub source_answer_ms_max: u64,
    /// How long the provision log may take.
    pub log_answer_ms_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clock_s_max: 300,
            permit_s_max: 30,
            nothing_quantum_ms: 25,
            in_flight_max: 1_024,
            in_flight_per_municipality_max: 64,
            requests_per_s_max: 50,
            requests_burst_max: 100,
            batch_requests_per_s_max: 500,
            batch_requests_burst_max: 500,
            strangers_per_s_max: 5,
            strangers_burst_max: 20,
            mismatches_alert_at: 20,
            mismatches_block_at: 50,
            operators_max: 100_000,
            connect_ms_max: 1_000,
            source_answer_ms_max: 5_000,
            log_answer_ms_max: 3_000,
        }
    }
}

/// Each mismatch is remembered by its time, so the thresholds bound the memory of one operator.
const MISMATCHES_AT_MAX: usize = 1_000;

impl Limits {
    pub(crate) fn check(&self) -> Result<(), StartError> {
        if self.mismatches_alert_at.max(self.mismatches_block_at) > MISMATCHES_AT_MAX {
            return Err(StartError::Refused("mismatch thresholds are at most 1,000"));
        }
        let rates = [
            (self.requests_per_s_max, self.requests_burst_max),
            (self.strangers_per_s_max, self.strangers_burst_max),
            (self.batch_requests_per_s_max, self.batch_requests_burst_max),
        ];
        if rates.iter().any(|(per_s_max, burst_max)| *per_s_max > 0 && *burst_max == 0) {
            return Err(StartError::Refused(
                "requests_burst_max, batch_requests_burst_max and strangers_burst_max are above 0",
            ));
        }
        let at_least_one = [
            self.in_flight_max,
            self.in_flight_per_municipality_max,
            self.operators_max,
            usize::try_from(self.permit_s_max).unwrap_or(usize::MAX),
        ];
        if at_least_one.contains(&0) {
            return Err(StartError::Refused("in_flight, operators and permit limits are above 0"));
        }
        Ok(())
    }

    pub(crate) fn quantum(&self) -> Duration {
        Duration::from_millis(self.nothing_quantum_ms)
    }

    pub(crate) fn source_deadlines(&self) -> Deadlines {
        let Self { connect_ms_max, source_answer_ms_max: answer_ms_max, .. } = *self;
        Deadlines { connect_ms_max, answer_ms_max }
    }

    pub(crate) fn log_deadlines(&self) -> Deadlines {
        let Self { connect_ms_max, log_answer_ms_max: answer_ms_max, .. } = *self;
        Deadlines { connect_ms_max, answer_ms_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_accepted_and_nonsense_is_not() {
        assert!(Limits::default().check().is_ok());
        for bad in [
            Limits { mismatches_block_at: 1_001, ..Limits::default() },
            Limits { requests_burst_max: 0, ..Limits::default() },
            Limits { strangers_burst_max: 0, ..Limits::default() },
            Limits { batch_requests_burst_max: 0, ..Limits::default() },
            Limits { in_flight_max: 0, ..Limits::default() },
            Limits { permit_s_max: 0, ..Limits::default() },
        ] {
            assert!(matches!(bad.check(), Err(StartError::Refused(_))), "{bad:?}");
        }
    }
}
