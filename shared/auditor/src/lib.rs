//! Commands of auditors, custodians and independent witnesses: what they do about a provision log on
//! machines of their own, with files in hand.
//!
//! Invariant: nothing here needs a service of ours to judge a log, and nothing here changes one.
//! Invariant: a private key is read from its file, used and forgotten; it is never printed.
//!
//! Reading order: this file, `keys` (whom to believe), then one file per command.

mod export;
mod key;
mod keys;
mod orders;
mod plan;
mod prove;
mod verify;
pub mod watch;

use std::io;
use std::path::{Path, PathBuf};

use audit::{Export, Source};
use clap::{Args, Subcommand};
use ledger::Verifier;

pub use self::keys::Keys;

/// What can be done with files alone.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify an export or a database; exits 0 if sound, 1 with findings, 2 if it could not be checked
    Verify(verify::Verify),
    /// Write everything that a verifier needs into a folder
    Export(export::Export),
    /// Print the newest checkpoint
    Checkpoint(export::Checkpoint),
    /// Print the receipt that proves an entry, or check one
    Prove(prove::Prove),
    /// Say which months may be destroyed today, and draft the order for one
    Plan(plan::Plan),
    /// Draft an order that keeps entries beyond their time
    Hold(orders::Hold),
    /// Draft an order that ends a hold
    Lift(orders::Lift),
    /// Add a custodian's signature to an order
    Sign(orders::Sign),
    /// Make a custodian's key and print its verifier
    CustodianKey(key::Key),
    /// Make a key for an independent witness and print its verifier
    WitnessKey(key::Key),
}

/// Where a stored log is.
#[derive(Clone, Debug, Default, Args)]
#[group(multiple = false)]
pub struct Place {
    /// A folder that `watari log export` wrote
    #[arg(value_name = "EXPORT")]
    pub export: Option<PathBuf>,
    /// The log's database or a copy: sqlite:PATH, postgres://… or file:PATH, which holds such a URL
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// The configuration whose log is meant; its keys count as well
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What an installation hands in for a [`Place`].
#[derive(Default)]
pub struct Given {
    /// The database that the place names.
    pub database: Option<Box<dyn Source + Send>>,
    /// The checkpoint that the running service shows.
    pub running: Option<String>,
    /// The keys that the configuration names.
    pub log: Vec<Verifier>,
    pub custodians: Vec<Verifier>,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Given({} keys)", self.log.len())
    }
}

/// A command's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub text: String,
    /// `false` if a log was judged and found unsound.
    pub is_sound: bool,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, is_sound: true }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("no log is named")]
    NoPlace,
    #[error("no key of the log is given")]
    NoKey,
    #[error("no body of this month may be destroyed: it is empty, or all is held")]
    NothingToDestroy,
    #[error("{path}")]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Files(#[from] audit::FileError),
    #[error(transparent)]
    Stored(#[from] audit::StoredError),
    #[error(transparent)]
    Survey(#[from] audit::SurveyError),
    #[error(transparent)]
    Export(#[from] audit::ExportError),
    #[error(transparent)]
    Memory(#[from] audit::MemoryError),
    #[error(transparent)]
    Note(#[from] ledger::NoteError),
    #[error(transparent)]
    Key(#[from] crypto::CryptoError),
    #[error("{what}: {source}")]
    Call { what: &'static str, source: wire::CallError },
    #[error("the result can't be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// What to do now.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoPlace => "name an EXPORT, --database URL or --config FILE",
            Self::NoKey => {
                "give --log-key name+hash+key, as `watari doctor` prints it where the log runs"
            }
            Self::Stored(_) | Self::Survey(audit::SurveyError::Malformed { .. }) => {
                "`watari log verify` says what is wrong, and where"
            }
            Self::Survey(audit::SurveyError::ClockAhead { .. }) => {
                "check this machine's clock; if the log has really been quiet for so long, give the \
                 day with --today"
            }
            Self::Files(_) | Self::Memory(_) | Self::Note(_) => {
                "check the file, and whether all keys were given"
            }
            Self::Export(audit::ExportError::NotEmpty) => "choose another folder",
            Self::Call { source: wire::CallError::Unavailable, .. } => "is the log running?",
            _ => return None,
        })
    }
}

impl Command {
    /// The stored log that the command is about, if it is about one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Verify(args) => Some(&args.place),
            Self::Export(args) => Some(&args.place),
            Self::Checkpoint(args) => Some(&args.place),
            Self::Prove(args) => Some(&args.place),
            Self::Plan(args) => Some(&args.place),
            Self::Hold(args) => Some(&args.draft.place),
            Self::Lift(args) => Some(&args.draft.place),
            Self::Sign(_) | Self::CustodianKey(_) | Self::WitnessKey(_) => None,
        }
    }

    /// Does it; the clock is the caller's.
    pub fn run(self, given: Given, now_unix_ms: i64) -> Result<Said, Failure> {
        match self {
            Self::Verify(args) => args.run(given),
            Self::Export(args) => args.run(given),
            Self::Checkpoint(args) => args.run(given),
            Self::Prove(args) => args.run(given),
            Self::Plan(args) => args.run(given, now_unix_ms),
            Self::Hold(args) => args.run(&given, now_unix_ms),
            Self::Lift(args) => args.run(&given, now_unix_ms),
            Self::Sign(args) => args.run(),
            Self::CustodianKey(args) => args.custodian(),
            Self::WitnessKey(args) => args.witness(),
        }
    }
}

impl Place {
    fn open(&self, given: &mut Given) -> Result<Box<dyn Source + Send>, Failure> {
        match &self.export {
            Some(folder) => Ok(Box::new(Export::open(folder).map_err(Failure::file(folder))?)),
            None => given.database.take().ok_or(Failure::NoPlace),
        }
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value)?)
}
