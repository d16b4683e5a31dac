use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use auditor::Keys;
use provision_log::Destroyed;

use super::given;
use crate::cli::ConfigArg;
use crate::{Failure, Settings, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The signed order, which the log has taken in
    #[arg(value_name = "ORDER")]
    order: PathBuf,
    #[command(flatten)]
    config: ConfigArg,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config.config)?;
    let order = fs::read_to_string(&args.order).map_err(Failure::file(&args.order))?;
    let owner = settings.provision_log()?.database.owner()?;
    let trust = Keys::default().trust(&given(&settings)?)?;
    let done = async { Ok(provision_log::destroy(&owner, &order, trust).await?) };
    let Destroyed { index, bodies, bytes_before, bytes_after, is_given_back } =
        runtime::block_on(done)?;
    let freed = bytes_before.saturating_sub(bytes_after);
    screen.line(&format!("By the order at index {index}, {bodies} bodies were destroyed."));
    screen.line(&format!("{freed} bytes freed: {bytes_before} before, {bytes_after} now."));
    if !is_given_back {
        screen.line("Some space could not be given back yet: do this again with the log stopped.");
    }
    Ok(ExitCode::SUCCESS)
}
