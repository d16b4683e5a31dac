use std::process::ExitCode;

use crate::cli::{ConfigArg, ServiceArg};
use crate::house::House;
use crate::{Failure, Settings, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// registry, provision-log, broker, partition; all means every one that is configured
    #[arg(required = true, value_name = "SERVICE", value_parser = ServiceArg::parse)]
    services: Vec<ServiceArg>,
    #[command(flatten)]
    config: ConfigArg,
    /// Threads that serve requests, for each service [default: as configured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let mut settings = Settings::load(&args.config.config)?;
    if let Some(workers) = args.workers {
        settings.set_workers(usize::from(workers));
    }
    let kinds = if args.services.contains(&ServiceArg::All) {
        settings.configured()
    } else {
        ServiceArg::kinds(&args.services)
    };
    let names = kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join("+");
    let _telemetry = service::telemetry::start(&format!("watari-{names}"), &settings.telemetry)?;
    runtime::block_on(async {
        let house = House::start(settings, &kinds, &runtime::clock()).await?;
        for (service, address) in house.running() {
            screen.line(&format!("{service:<15}https://{address}"));
        }
        runtime::told_to_stop().await?;
        screen.line("stopping");
        house.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
