use std::process::ExitCode;

use crate::cli::{ConfigArg, ServiceArg};
use crate::commands::telemetry_beside;
use crate::{Failure, Settings, runtime, schema};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// registry, provision-log or partition [default: every one that is configured]
    #[arg(value_name = "SERVICE", value_parser = ServiceArg::parse)]
    services: Vec<ServiceArg>,
    #[command(flatten)]
    config: ConfigArg,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config.config)?;
    let _telemetry = telemetry_beside(&settings)?;
    let kinds = if args.services.is_empty() || args.services.contains(&ServiceArg::All) {
        settings.configured()
    } else {
        ServiceArg::kinds(&args.services)
    };
    runtime::block_on(async {
        for kind in kinds {
            let ran = schema::migrate(&settings, kind).await?;
            let result = match ran.as_deref() {
                None => "has no database".to_owned(),
                Some([]) => "up to date".to_owned(),
                Some(names) => format!("ran {}", names.join(", ")),
            };
            screen.line(&format!("{:<15}{result}", kind.as_str()));
        }
        Ok(ExitCode::SUCCESS)
    })
}
