use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use service::pki::Authority;
use tempfile::TempDir;

use crate::commands::telemetry_beside;
use crate::house::House;
use crate::setup::{self, BASE_PORT, Databases, Plan};
use crate::story::{seed, show, try_it};
use crate::{Failure, Settings, runtime, schema, services};
use cast::Layout;
use screen::Screen;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Check every claim and stop: exits 0 only if everything held
    #[arg(long)]
    check: bool,
    /// The folder to use [default: data/demo; with --check a new temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// First of five ports for a new folder [default: 7430; with --check free ones]
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
}

/// In a demonstration nobody wants to wait for the next poll.
const POLL_MS: u64 = 200;

pub(crate) fn run(args: Args, screen: Screen) -> Result<ExitCode, Failure> {
    screen.line(&format!("Watari {}, all services in one process", env!("CARGO_PKG_VERSION")));
    screen.blank();
    if args.check && args.data.is_none() {
        return check_in_temporary(&args, screen);
    }
    let folder = args.data.clone().unwrap_or(PathBuf::from("data/demo"));
    demonstrate(&folder, &args, screen).map(|()| ExitCode::SUCCESS)
}

/// What did not hold is kept, so that it can be looked at.
fn check_in_temporary(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let folder = TempDir::new().map_err(Failure::file(&std::env::temp_dir()))?;
    let held = demonstrate(folder.path(), args, screen);
    if held.is_err() {
        let kept = folder.keep();
        screen.line(&format!("  the folder is kept for inspection: {}", kept.display()));
    }
    held.map(|()| ExitCode::SUCCESS)
}

fn demonstrate(folder: &Path, args: &Args, screen: Screen) -> Result<(), Failure> {
    let settings = prepare(folder, args, screen)?;
    let _telemetry = telemetry_beside(&settings)?;
    runtime::block_on(async {
        let (begun, clock) = (Instant::now(), runtime::clock());
        for kind in services::IN_ORDER {
            schema::migrate(&settings, kind).await?;
        }
        let house = House::start(settings, &services::IN_ORDER, &clock).await?;
        screen.done("registry, provision log, broker, intake, partition started", begun.elapsed());
        let told = tokio::select! {
            told = tell(&house, args.check, screen) => told,
            stopped = runtime::told_to_stop() => stopped.and(Err(Failure::Interrupted)),
        };
        if told.is_ok() && !args.check {
            runtime::told_to_stop().await?;
            screen.line("Stopping.");
        }
        house.stop().await;
        told
    })
}

/// A new folder is set up; an old one is taken as it is, with a fresh revocation list.
fn prepare(folder: &Path, args: &Args, screen: Screen) -> Result<Settings, Failure> {
    let (begun, clock) = (Instant::now(), runtime::clock());
    let absolute = std::path::absolute(folder).map_err(Failure::file(folder))?;
    let layout = Layout::new(&absolute);
    let sentence = match (layout.settings().exists(), args.base_port) {
        (true, Some(_)) => {
            let fault = "has its ports in watari.toml already";
            return Err(Failure::Folder { path: absolute, fault });
        }
        (true, None) => {
            Authority::open(&layout.authority(), clock.as_ref())?.renew_list()?;
            "going on in"
        }
        (false, base_port) => {
            let base_port = if args.check { base_port } else { base_port.or(Some(BASE_PORT)) };
            require_free_ports(base_port)?;
            let plan = Plan { base_port, databases: Databases::Sqlite, poll_ms: POLL_MS };
            runtime::block_on(setup::write(folder, &plan, clock.as_ref()))?;
            "authority, certificates and keys written to"
        }
    };
    screen.done(&format!("{sentence} {}", folder.display()), begun.elapsed());
    Settings::load(&layout.settings())
}

/// Asked before the folder is written, because the ports are written into it.
fn require_free_ports(base_port: Option<u16>) -> Result<(), Failure> {
    for port in base_port.into_iter().flat_map(|base| base..=base.saturating_add(4)) {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|_| Failure::Port(port))?;
    }
    Ok(())
}

async fn tell(house: &House, check: bool, screen: Screen) -> Result<(), Failure> {
    let site = house.site();
    seed::seed(&site, runtime::clock().as_ref(), screen).await?;
    screen.blank();
    let shown = show::show(&site, screen).await?;
    screen.blank();
    if check {
        shown.check(&site, screen).await?;
        screen.blank();
        screen.line("Everything held.");
        return Ok(());
    }
    for (service, address) in house.running() {
        screen.line(&format!("  {service:<15}https://{address}"));
    }
    screen.line(&format!("  {:<15}{}", "log", site.layout.log().display()));
    screen.line(&format!("  {:<15}{}", "passwords", site.layout.passwords().display()));
    screen.blank();
    screen.line("Try it in another shell:");
    screen.blank();
    screen.line(&try_it::commands(&site)?);
    screen.blank();
    screen.line("Ctrl-C stops everything.");
    Ok(())
}
