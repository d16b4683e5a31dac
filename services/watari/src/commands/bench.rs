use std::process::ExitCode;
use std::sync::Arc;

use domain::Clock;
use serde::Serialize;
use tempfile::TempDir;

use crate::bench::ground::{Ground, Place, set_up};
use crate::bench::{batch, captures, disclosure, import, rotation, timing, transfer};
use crate::commands::telemetry_beside;
use crate::{Failure, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// `sqlite`, or a PostgreSQL server by its owner's URL: postgres://owner:password@host:port/
    #[arg(long, global = true, value_name = "URL", default_value = "sqlite")]
    database: String,
    /// Threads of each service [default: one per core]
    #[arg(long, global = true, value_name = "N", default_value_t = 0, hide_default_value = true)]
    workers: usize,
    /// Print the result as JSON and nothing else
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Full inquiries per second, and beside them the same SQL without the services
    Transfer(transfer::Args),
    /// Whether the time of an answer tells one kind of "nothing" from another
    Timing(timing::Args),
    /// How long "who received my records?" takes in a log of millions of entries
    Disclosure(disclosure::Args),
    /// How fast the rows of a file are asked, while some municipalities are away
    Batch(batch::Args),
    /// How fast the intake takes in what venues' devices captured, and a room takes it from there
    Captures(captures::Args),
    /// How fast files of many municipalities come into their registers
    Import(import::Args),
    /// How fast everything in a room is sealed anew with a new data key
    Rotation(rotation::Args),
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let quiet = if args.json { Screen::Silent } else { screen };
    let (place, clock) = (Place::parse(&args.database), runtime::clock());
    let folder = TempDir::new().map_err(Failure::file(&std::env::temp_dir()))?;
    if let What::Import(wanted) = &args.what {
        let measured = import::measure(folder.path(), &place, (&clock, quiet), wanted);
        let measured = runtime::block_on(measured)?;
        screen.line(&if args.json { to_json(&measured)? } else { measured.text() });
        return Ok(ExitCode::SUCCESS);
    }
    let mut settings = runtime::block_on(set_up(folder.path(), &place, clock.as_ref()))?;
    settings.set_workers(args.workers);
    let _telemetry = telemetry_beside(&settings)?;
    let result = runtime::block_on(async {
        let mut ground = Ground::start(settings, place, &clock, quiet).await?;
        let result = tokio::select! {
            result = measure(&mut ground, args, (&clock, quiet)) => result,
            stopped = runtime::told_to_stop() => stopped.and(Err(Failure::Interrupted)),
        };
        ground.stop(quiet).await;
        result
    })?;
    quiet.blank();
    screen.line(&result);
    Ok(ExitCode::SUCCESS)
}

async fn measure(
    ground: &mut Ground,
    args: &Args,
    (clock, screen): (&Arc<dyn Clock>, Screen),
) -> Result<String, Failure> {
    match &args.what {
        What::Transfer(wanted) => {
            let lines = transfer::measure(ground, wanted, screen).await?;
            if args.json { to_json(&lines) } else { Ok(transfer::table(&lines)) }
        }
        What::Timing(wanted) => {
            let comparison = timing::compare(ground, wanted, screen).await?;
            if args.json { to_json(&comparison) } else { Ok(comparison.text()) }
        }
        // Has rooms of its own, and needs no other service.
        What::Import(_) => Ok(String::new()),
        What::Batch(wanted) => {
            let measured = batch::measure(ground, wanted, (clock, screen)).await?;
            if args.json { to_json(&measured) } else { Ok(measured.text()) }
        }
        What::Captures(wanted) => {
            let measured = captures::measure(ground, wanted, clock).await?;
            if args.json { to_json(&measured) } else { Ok(measured.text()) }
        }
        What::Rotation(wanted) => {
            let rotated = rotation::measure(ground, wanted, screen).await?;
            if args.json { to_json(&rotated) } else { Ok(rotated.text()) }
        }
        What::Disclosure(wanted) => {
            let told = disclosure::measure(ground, wanted, (clock, screen)).await?;
            if args.json { to_json(&told) } else { Ok(told.text()) }
        }
    }
}

fn to_json(result: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(result).map_err(|_| Failure::Claim("a result is JSON"))
}
