use std::process::ExitCode;

use crate::cli::ConfigArg;
use crate::commands::telemetry_beside;
use crate::story::site::Site;
use crate::story::{show, try_it};
use crate::{Failure, Settings, runtime};
use screen::Screen;

pub(crate) fn run(args: &ConfigArg, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config)?;
    let _telemetry = telemetry_beside(&settings)?;
    let site = Site::new(settings);
    runtime::block_on(async {
        let shown = show::show(&site, screen).await?;
        screen.blank();
        shown.check(&site, screen).await
    })?;
    screen.blank();
    screen.line("Try it:");
    screen.blank();
    screen.line(&try_it::commands(&site)?);
    Ok(ExitCode::SUCCESS)
}
