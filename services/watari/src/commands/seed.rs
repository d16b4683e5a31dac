use std::process::ExitCode;

use crate::cli::ConfigArg;
use crate::commands::telemetry_beside;
use crate::story::seed::seed;
use crate::story::site::Site;
use crate::{Failure, Settings, runtime};
use screen::Screen;

pub(crate) fn run(args: &ConfigArg, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config)?;
    let _telemetry = telemetry_beside(&settings)?;
    runtime::block_on(seed(&Site::new(settings), runtime::clock().as_ref(), screen))?;
    Ok(ExitCode::SUCCESS)
}
