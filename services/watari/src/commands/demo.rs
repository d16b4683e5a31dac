use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use tempfile::TempDir;

use crate::commands::telemetry_beside;
use crate::house::House;
use crate::screen::Screen;
use crate::setup::layout::Layout;
use crate::setup::{self, BASE_PORT, Databases, Plan};
use crate::story::{seed, show, try_it};
use crate::{Failure, Settings, runtime, schema, services};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Check every claim and stop: exits 0 only if everything held
    #[arg(long)]
    check: bool,
    /// The folder to use [default: data/demo; with --check a new temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// First of four ports for a new folder [default: 7430; with --check free ones]
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
}

/// In a demonstration nobody wants to wait for the next poll.
const POLL_MS: u64 = 200;

pub(crate) fn run(args: Args, screen: Screen) -> Result<ExitCode, Failure> {
    let (folder, temporary) = match (args.data, args.check) {
        (Some(folder), _) => (folder, None),
        (None, false) => (PathBuf::from("data/demo"), None),
        (None, true) => {
            let temporary = TempDir::new().map_err(Failure::file(&std::env::temp_dir()))?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let base_port = if args.check { args.base_port } else { args.base_port.or(Some(BASE_PORT)) };
    let plan = Plan { base_port, databases: Databases::Sqlite, poll_ms: POLL_MS };
    screen.line(&format!("Watari {}, all services in one process", env!("CARGO_PKG_VERSION")));
    screen.blank();
    let shown = demonstrate(&folder, &plan, args.check, screen);
    if let (Err(_), Some(temporary)) = (&shown, temporary) {
        let kept = temporary.keep();
        screen.line(&format!("  the folder is kept for inspection: {}", kept.display()));
    }
    shown.map(|()| ExitCode::SUCCESS)
}

fn demonstrate(folder: &Path, plan: &Plan, check: bool, screen: Screen) -> Result<(), Failure> {
    let settings = prepare(folder, plan, screen)?;
    let _telemetry = telemetry_beside(&settings)?;
    runtime::block_on(async {
        for kind in services::IN_ORDER {
            schema::migrate(&settings, kind).await?;
        }
        let begun = Instant::now();
        let clock = runtime::clock();
        let house = House::start(settings, &services::IN_ORDER, &clock).await?;
        screen.done("registry, provision log, broker, partition started", begun.elapsed());
        let told = tell(&house, check, screen).await;
        house.stop().await;
        told
    })
}

/// A new folder is set up; an old one is taken as it is, with a fresh revocation list.
fn prepare(folder: &Path, plan: &Plan, screen: Screen) -> Result<Settings, Failure> {
    let (begun, clock) = (Instant::now(), runtime::clock());
    let absolute = std::path::absolute(folder).map_err(Failure::file(folder))?;
    let layout = Layout::new(&absolute);
    let sentence = if layout.settings().exists() {
        setup::renew_revocation_list(&layout, clock.as_ref())?;
        "continues in"
    } else {
        runtime::block_on(setup::write(folder, plan, clock.as_ref()))?;
        "authority, certificates and keys written to"
    };
    screen.done(&format!("{sentence} {}", folder.display()), begun.elapsed());
    Settings::load(&layout.settings())
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
    runtime::told_to_stop().await?;
    screen.line("Stopping.");
    Ok(())
}
