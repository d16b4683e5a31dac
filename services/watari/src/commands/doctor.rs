use std::process::ExitCode;

use crate::cli::ConfigArg;
use crate::commands::telemetry_beside;
use crate::doctor::examine;
use crate::{Failure, Settings, runtime};
use screen::Screen;

pub(crate) fn run(args: &ConfigArg, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config)?;
    let _telemetry = telemetry_beside(&settings)?;
    let findings = runtime::block_on(async {
        Ok(examine(&settings, &args.config, runtime::clock().as_ref()).await)
    })?;
    for finding in &findings {
        screen.line(&finding.to_string());
    }
    let sick = findings.iter().filter(|finding| finding.is_sick()).count();
    screen.blank();
    if sick == 0 {
        screen.line("All well.");
        return Ok(ExitCode::SUCCESS);
    }
    screen.line(&format!("{sick} of {} are not.", findings.len()));
    Ok(ExitCode::FAILURE)
}
