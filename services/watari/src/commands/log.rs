//! `watari log`: what can be asked of the provision log, and done to it, beside its service.  What
//! needs nothing but files is in `auditor`; here is what needs an installation.

mod destroy;
mod reconcile;
pub(crate) mod submit;

use std::process::ExitCode;

use auditor::watch::{Watch, Witness};
use auditor::{Given, Keys, Said};
use db::DbUrl;
use domain::{RequestId, ServiceKind};
use ledger::{WitnessVerifier, witness_name};
use provision_log::offline::Database;
use service::participants::{Participants, Source};
use wire::Client;
use wire::provision_log::CHECKPOINT;

use crate::cli::{ConfigArg, complain_of};
use crate::story::site::Site;
use crate::{Failure, Settings, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    #[command(flatten)]
    Auditor(auditor::Command),
    /// Watch the running log as an independent witness and cosign what continues
    Witness {
        #[command(flatten)]
        line: Line,
        #[command(flatten)]
        watch: Watch,
    },
    /// Print the keys of the municipalities that watch the log now, for --witness-key; keep those
    /// printed earlier as well
    Witnesses(ConfigArg),
    /// Send a signed order to the running log
    Submit(submit::Args),
    /// Destroy the bodies that an order in the log names, as the owner of the database
    Destroy(destroy::Args),
    /// After a rollback: bring missing entries back, and write the head file
    Reconcile(reconcile::Args),
}

/// The running services, and who asks.
#[derive(Debug, clap::Args)]
struct Line {
    #[command(flatten)]
    config: ConfigArg,
    /// Name of the certificate beside the configuration
    #[arg(long, value_name = "NAME", default_value = NATIONAL)]
    certificate: String,
}

/// The terminal of national operations, as `watari setup` names it.
const NATIONAL: &str = "terminal-national";
/// A log that could not be checked is not the same as an unsound one.
const UNCHECKED: u8 = 2;

pub(crate) fn run(args: Args, screen: Screen) -> Result<ExitCode, Failure> {
    match args.what {
        What::Auditor(command @ auditor::Command::Verify(_)) => Ok(off_line(command, screen)
            .unwrap_or_else(|failure| {
                complain_of(&failure);
                ExitCode::from(UNCHECKED)
            })),
        What::Auditor(command) => off_line(command, screen),
        What::Witness { line, watch } => witness(&line, &watch, screen),
        What::Witnesses(args) => witnesses(&Settings::load(&args.config)?, screen),
        What::Submit(args) => submit::run(&args, screen),
        What::Destroy(args) => destroy::run(&args, screen),
        What::Reconcile(args) => reconcile::run(&args, screen),
    }
}

fn off_line(command: auditor::Command, screen: Screen) -> Result<ExitCode, Failure> {
    let place = command.place().cloned().unwrap_or_default();
    let settings = place.config.as_deref().map(Settings::load).transpose()?;
    let mut given = settings.as_ref().map(given).transpose()?.unwrap_or_default();
    if let (auditor::Command::Checkpoint(wanted), Some(settings)) = (&command, &settings)
        && wanted.running
    {
        given.running = Some(runtime::block_on(ask(settings))?);
    }
    let config = settings.as_ref().and_then(|settings| settings.provision_log.as_ref());
    let url = match (&place.database, config) {
        (Some(url), _) => Some(DbUrl::parse(&super::setup::read_url(url)?)?),
        (None, config) => {
            config.map(|config| config.database.service()).transpose()?.map(|c| c.url)
        }
    };
    if let Some(url) = url {
        given.database = Some(Box::new(Database::open(&url)?));
    }
    Ok(tell(&command.run(given, runtime::now_unix_ms())?, screen))
}

async fn ask(settings: &Settings) -> Result<String, Failure> {
    let client = Site::new(settings.clone()).client(NATIONAL, ServiceKind::ProvisionLog)?;
    let note = client.get_text(CHECKPOINT, &RequestId::make_random()).await;
    note.map_err(Failure::call("asking for the checkpoint"))
}

fn tell(said: &Said, screen: Screen) -> ExitCode {
    screen.line(&said.text);
    if said.is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn witness(line: &Line, watch: &Watch, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&line.config.config)?;
    // Whoever names the log's key believes no other.
    let given = if watch.keys.name_the_log() { Given::default() } else { given(&settings)? };
    let client = line.client(&settings, ServiceKind::ProvisionLog)?;
    let witness = Witness::new(watch, client, watch.keys.trust(&given)?)?;
    let clock = runtime::clock();
    runtime::block_on(async {
        tokio::select! {
            said = witness.watch(clock.as_ref(), |text| screen.line(text)) => Ok(tell(&said?, screen)),
            stopped = runtime::told_to_stop() => stopped.map(|()| ExitCode::SUCCESS),
        }
    })
}

fn witnesses(settings: &Settings, screen: Screen) -> Result<ExitCode, Failure> {
    let (site, config) = (Site::new(settings.clone()), settings.participants()?);
    let client = site.client(ServiceKind::ProvisionLog.as_str(), ServiceKind::Registry)?;
    let (view, source) = (Participants::new(config.stale_s_max), Source::new(client, config)?);
    let now_unix_s = runtime::now_unix_ms() / 1_000;
    // Whatever went wrong, there is no directory then.
    let _ = runtime::block_on(async { Ok(source.fetch(&view).await) })?;
    let directory = view.directory(now_unix_s);
    let directory = directory.map_err(|_| Failure::TimedOut("the registry gives no directory"))?;
    let origin = Keys::default().trust(&given(settings)?)?.origin;
    for code in directory.codes() {
        let name = witness_name(&origin, code.as_str());
        let name = name.map_err(|_| Failure::Claim("the log's origin makes a name"))?;
        let keys = directory.member(code).into_iter().flat_map(|m| m.signing_keys(now_unix_s));
        for key in keys {
            let verifier = WitnessVerifier::new(name.clone(), key.to_ed25519());
            screen.line(&verifier.to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys that a configuration names.
fn given(settings: &Settings) -> Result<Given, Failure> {
    let Some(config) = &settings.provision_log else {
        let log = audit::read_keys(&settings.partition()?.log_verifiers)?;
        return Ok(Given { log, ..Given::default() });
    };
    let refused = |source| Failure::Start { service: "provision-log", source };
    let keys = config.keys().map_err(refused)?;
    Ok(Given { log: keys.verifiers(), custodians: keys.custodians, ..Given::default() })
}

impl Line {
    fn client(&self, settings: &Settings, kind: ServiceKind) -> Result<Client, Failure> {
        Site::new(settings.clone()).client(&self.certificate, kind)
    }
}
