use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use provision_log::{DestroyError, ReconcileError};
use wire::CallError;

/// Why a command did not do what it was asked.  Paths are the operator's own; nothing a resident or
/// a service said is repeated.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{path}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: {fault}")]
    Settings { path: PathBuf, fault: String },
    #[error("the configuration file has no section [{0}]")]
    NotConfigured(&'static str),
    #[error("{path} {fault}")]
    Folder { path: PathBuf, fault: &'static str },
    #[error("{service} does not start")]
    Start { service: &'static str, source: service::server::StartError },
    #[error("the database of {service}")]
    Database { service: &'static str, source: db::DbError },
    #[error("the new databases can't be made: {0}")]
    NewDatabase(&'static str),
    #[error("{what}: {}", explain(.source))]
    Call { what: &'static str, source: CallError },
    #[error("this took too long: {0}")]
    TimedOut(&'static str),
    #[error("did not hold: {0}")]
    Claim(&'static str),
    #[error("{fault}")]
    Log { fault: &'static str, next: &'static str },
    #[error("port {0} is taken")]
    Port(u16),
    #[error("told to stop before the end")]
    Interrupted,
    #[error(transparent)]
    Bootstrap(#[from] registry::BootstrapError),
    #[error(transparent)]
    Cast(#[from] cast::Misspelt),
    #[error(transparent)]
    Pki(#[from] service::pki::PkiError),
    #[error(transparent)]
    Keys(#[from] crypto::CryptoError),
    #[error(transparent)]
    Tls(#[from] wire::tls::TlsError),
    #[error(transparent)]
    Config(#[from] service::config::ConfigError),
    #[error("the log's database")]
    LogDatabase(#[from] db::DbError),
    #[error(transparent)]
    LogFile(#[from] audit::FileError),
    #[error(transparent)]
    Auditor(#[from] auditor::Failure),
    #[error(transparent)]
    Destroy(#[from] DestroyError),
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    #[error(transparent)]
    Telemetry(#[from] service::telemetry::TelemetryError),
    #[error("the runtime can't be started")]
    Runtime(#[source] io::Error),
}

/// The service's own sentence and next step, where it gave one.
fn explain(error: &CallError) -> String {
    match error.problem() {
        Some(p) => format!("{} {} (request {})", p.title, p.next_step, p.request_id),
        None => error.to_string(),
    }
}

impl Failure {
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub fn call(what: &'static str) -> impl FnOnce(CallError) -> Self {
        move |source| Self::Call { what, source }
    }

    pub fn log(fault: &'static str, next: &'static str) -> Self {
        Self::Log { fault, next }
    }

    /// The sentence with its causes, on one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = match self {
            // Its sentence says already what the other service said.
            Self::Call { .. } => None,
            _ => self.source(),
        };
        while let Some(error) = cause {
            let said = error.to_string();
            // Some sentences name their cause themselves.
            if !text.ends_with(&said) {
                text.push_str(&format!(": {said}"));
            }
            cause = error.source();
        }
        text
    }

    /// What to do now, where the sentence itself does not say it.
    pub fn next_step(&self) -> Option<&'static str> {
        Some(match self {
            Self::Settings { .. } | Self::NotConfigured(_) => {
                "deploy/watari.example.toml describes every field; `watari setup` writes a file \
                 that works"
            }
            Self::Folder { .. } => "choose another with --data, or remove this one",
            Self::Port(_) => "choose others with --base-port",
            Self::Start { source: service::server::StartError::Address(_), .. } => {
                "free the port, or change every `address` and `url` with it in watari.toml"
            }
            Self::Start { .. } | Self::TimedOut(_) => {
                "`watari doctor --config FILE` looks for causes"
            }
            Self::Call { source: CallError::Unavailable, .. } => {
                "are the services running?  `watari doctor --config FILE` asks each of them"
            }
            Self::Call { source, .. }
                if source.problem().is_some_and(|said| said.code == "unauthenticated") =>
            {
                "a terminal needs a person, too: --operator ID --password-file FILE"
            }
            Self::Log { next, .. } => next,
            Self::LogDatabase(_) => "is the URL right, and the schema up to date (watari migrate)?",
            Self::Auditor(failure) => return failure.next_step(),
            Self::Destroy(DestroyError::NoSlip(failure)) => failure.next_step(),
            Self::Reconcile(ReconcileError::Gap(failure)) => failure.next_step(),
            Self::Reconcile(ReconcileError::Damaged { .. }) => {
                "take another export or copy: this one can't be believed"
            }
            Self::Destroy(DestroyError::Db(_)) | Self::Reconcile(ReconcileError::Db(_)) => {
                "is `owner_url` the owner's of the tables, and the log migrated and stopped?"
            }
            Self::NewDatabase(_) => "name one whose role may create databases and roles",
            _ => return None,
        })
    }
}
