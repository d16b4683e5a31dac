//! One file per command: reads its arguments, calls the parts, prints.

pub(crate) mod bench;
pub(crate) mod bootstrap;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod routes;
pub(crate) mod run;
pub(crate) mod seed;
pub(crate) mod setup;
pub(crate) mod show;
pub(crate) mod validate;

use service::config::TelemetryConfig;
use service::telemetry::{self, Telemetry};

use crate::{Failure, Settings};
use cast::Layout;

/// Log lines of commands that talk to a person go to a file, not between the person's lines.
fn telemetry_beside(settings: &Settings) -> Result<Telemetry, Failure> {
    let config = settings.telemetry.clone();
    let log_file = config.log_file.unwrap_or(Layout::new(&settings.folder).log());
    let config = TelemetryConfig { log_file: Some(log_file), ..config };
    Ok(telemetry::start("watari", &config)?)
}
