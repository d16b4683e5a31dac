use std::process::ExitCode;

use crate::cli::ConfigArg;
use crate::commands::telemetry_beside;
use crate::screen::Screen;
use crate::story::seed::seed;
use crate::story::site::Site;
use crate::{Failure, Settings, runtime};

pub(crate) fn run(args: &ConfigArg, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config)?;
    let _telemetry = telemetry_beside(&settings)?;
    runtime::block_on(seed(&Site::new(settings), runtime::clock().as_ref(), screen))?;
    Ok(ExitCode::SUCCESS)
}
