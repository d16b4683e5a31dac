use serde::Deserialize;
use service::config::{DatabaseConfig, ListenConfig};
use wire::tls::TlsFiles;

/// Configuration of the intake.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub listen: ListenConfig,
    pub tls: TlsFiles,
    pub database: DatabaseConfig,
    #[serde(default)]
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Captures that may wait to be written; more are refused as unavailable.
    pub queue_captures_max: usize,
    /// Captures written in one transaction; a call's captures stay together.
    pub batch_captures_max: usize,
    /// Captures of one device that may wait for its municipality.
    pub waiting_per_device_max: u64,
    /// Captures that one device may send in a second, and at once after a pause; 0 means no limit.
    pub captures_per_s_max: u32,
    pub captures_burst_max: u32,
    /// Devices whose rates are remembered; beyond, all are forgotten.
    pub devices_remembered_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_captures_max: 8_192,
            batch_captures_max: 1_024,
            waiting_per_device_max: 20_000,
            captures_per_s_max: 50,
            captures_burst_max: 5_000,
            devices_remembered_max: 100_000,
        }
    }
}
