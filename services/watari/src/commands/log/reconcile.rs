use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit::{Evidence, Export, Extent, Moment, Source, Trust, read_witnessed, replace_file};
use auditor::Keys;
use db::DbUrl;
use provision_log::Reconciled;
use provision_log::offline::Database;

use super::given;
use crate::cli::ConfigArg;
use crate::commands::setup::read_url;
use crate::{Failure, Settings, runtime};
use screen::Screen;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// A newer export that holds what is missing
    #[arg(long, value_name = "EXPORT")]
    from: Option<PathBuf>,
    /// A newer copy of the database that holds what is missing
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    from_database: Option<String>,
    /// What a witness kept: its notes
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,
    #[command(flatten)]
    keys: Keys,
    /// The head file is lost and nobody else holds a checkpoint: believe the database
    #[arg(long)]
    trust_database: bool,
}

pub(crate) fn run(args: &Args, screen: Screen) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&args.config.config)?;
    let config = settings.provision_log()?;
    let trust = args.keys.trust(&given(&settings)?)?;
    let known = known(args, &config.head_file, &trust)?;
    if known.is_empty() && !args.trust_database {
        return Err(Failure::log(
            "neither a head file nor a witness says how long the log was",
            "give --witness FILE; only if there is none at all, --trust-database",
        ));
    }
    let newer: Option<Box<dyn Source + Send>> = match (&args.from, &args.from_database) {
        (Some(folder), _) => Some(Box::new(Export::open(folder).map_err(Failure::file(folder))?)),
        (None, Some(url)) => Some(Box::new(Database::open(&DbUrl::parse(&read_url(url)?)?)?)),
        (None, None) => None,
    };
    let owner = config.database.owner()?;
    let Reconciled { regained, note } = runtime::block_on(async {
        Ok(provision_log::reconcile(&owner, trust.clone(), known, newer).await?)
    })?;
    let mut stored = Database::open(&owner)?;
    let report = audit::verify(&mut stored, &trust, Evidence::default(), &Extent::default());
    if !report.sound {
        screen.line(&report.to_string());
        return Err(Failure::log("the log is not sound", "the head file was left as it was"));
    }
    let head_file = &config.head_file;
    replace_file(head_file, note.as_bytes()).map_err(Failure::file(head_file))?;
    screen.line(&match regained.is_empty() {
        true => format!("Nothing is missing; the log has {} entries.", report.size),
        false => format!("Entries [{}, {}) came back.", regained.start, regained.end),
    });
    screen.line(&format!("Sound, and {} says so: the log may start.", head_file.display()));
    Ok(ExitCode::SUCCESS)
}

/// What the head file and the witnesses say that the log was.
fn known(args: &Args, head_file: &Path, trust: &Trust) -> Result<Vec<Moment>, Failure> {
    let head_file = head_file.exists().then_some(head_file);
    let mut known = Vec::new();
    for file in args.witness.iter().map(PathBuf::as_path).chain(head_file) {
        known.extend(read_witnessed(file, trust)?.iter().map(|seen| (seen.size, seen.root)));
    }
    Ok(known)
}
