use std::path::PathBuf;
use std::process::ExitCode;

use crate::setup::{self, BASE_PORT, DatabaseUrls, Databases, Plan};
use crate::{Failure, runtime};
use cast::Layout;
use screen::Screen;
use service::pki::Authority;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to write; one that is set up already only gets a new revocation list
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// First of five ports
    #[arg(long, value_name = "PORT", default_value_t = BASE_PORT)]
    base_port: u16,
    /// How often services ask the registry what changed, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    poll_ms: u64,
    /// PostgreSQL, one database per service, made if missing: postgres://owner@host:port/ or
    /// file:PATH, a file that holds such a URL, so that no password stands in the process list
    #[arg(long, value_name = "URL")]
    postgres_owner: Option<String>,
    /// How the names of those databases begin
    #[arg(long, value_name = "PREFIX", default_value = "watari", requires = "postgres_owner")]
    database_prefix: String,
    #[command(flatten)]
    given: Option<Given>,
}

/// Databases that are there already, each as its service reaches it.
#[derive(Debug, clap::Args)]
#[group(conflicts_with = "postgres_owner", requires_all = ["registry_database", "provision_log_database", "intake_database", "partition_database"])]
struct Given {
    /// sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", required = false)]
    registry_database: String,
    /// sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", required = false)]
    provision_log_database: String,
    /// sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", required = false)]
    intake_database: String,
    /// sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", required = false)]
    partition_database: String,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let clock = runtime::clock();
    let folder = std::path::absolute(&args.data).map_err(Failure::file(&args.data))?;
    let layout = Layout::new(&folder);
    if layout.settings().exists() {
        Authority::open(&layout.authority(), clock.as_ref())?.renew_list()?;
        screen.line("The folder is set up already; its revocation list counts for 30 more days.");
        return Ok(ExitCode::SUCCESS);
    }
    let databases = match (&args.postgres_owner, &args.given) {
        (Some(owner), _) => {
            let owner_url = read_url(owner)?;
            Databases::Server { owner_url, prefix: args.database_prefix.clone() }
        }
        (None, Some(given)) => Databases::Given([
            only(&given.registry_database),
            only(&given.provision_log_database),
            only(&given.intake_database),
            only(&given.partition_database),
        ]),
        (None, None) => Databases::Sqlite,
    };
    let plan = Plan { base_port: Some(args.base_port), databases, poll_ms: args.poll_ms };
    runtime::block_on(setup::write(&folder, &plan, clock.as_ref()))?;
    let config = layout.settings();
    let config = config.display();
    screen.line(&format!("Wrote {config} with certificates, keys and passwords beside it."));
    screen.blank();
    screen.line("Next:");
    screen.line(&format!("  watari migrate --config {config}"));
    screen.line(&format!("  watari run all --config {config}     # or each in its own process"));
    screen.line(&format!("  watari seed    --config {config}"));
    screen.line(&format!("  watari show    --config {config}"));
    Ok(ExitCode::SUCCESS)
}

/// A URL, or what the file that is named instead holds.
pub(crate) fn read_url(text: &str) -> Result<String, Failure> {
    let Some(path) = text.strip_prefix("file:") else { return Ok(text.to_owned()) };
    let url = std::fs::read_to_string(path).map_err(Failure::file(path.as_ref()))?;
    Ok(url.trim().to_owned())
}

/// A relative SQLite path is meant from where the command is typed.
fn only(url: &str) -> DatabaseUrls {
    let path = url.strip_prefix("sqlite:").and_then(|path| std::path::absolute(path).ok());
    let url = path.map_or(url.to_owned(), |path| format!("sqlite:{}", path.display()));
    DatabaseUrls { url, owner_url: None }
}
