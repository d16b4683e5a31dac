use audit::{Trust, read_keys};
use clap::Args;
use domain::retention::RetentionRules;
use ledger::Verifier;

use crate::{Failure, Given};

/// Whose word counts about a log, by hand.
#[derive(Debug, Default, Args)]
pub struct Keys {
    /// A key of the log (name+hash+key), or a file with one a line; all it ever had
    #[arg(long, value_name = "KEY")]
    log_key: Vec<String>,
    /// A witness's key, or a file with one a line, as `watari log witnesses` prints them
    #[arg(long, value_name = "KEY")]
    witness_key: Vec<String>,
    /// A custodian's key, or a file with one a line
    #[arg(long, value_name = "KEY")]
    custodian: Vec<String>,
}

impl Keys {
    /// Whether a key of the log is given by hand.
    #[must_use]
    pub fn name_the_log(&self) -> bool {
        !self.log_key.is_empty()
    }

    /// The keys given by hand, and those of the configuration.
    pub fn trust(&self, given: &Given) -> Result<Trust, Failure> {
        let mut log: Vec<Verifier> = read_keys(&self.log_key)?;
        log.extend(given.log.iter().cloned());
        let mut custodians: Vec<Verifier> = read_keys(&self.custodian)?;
        custodians.extend(given.custodians.iter().cloned());
        let origin = log.first().ok_or(Failure::NoKey)?.name().clone().into();
        let (witnesses, retention) = (read_keys(&self.witness_key)?, RetentionRules::shipped());
        Ok(Trust { origin, log, witnesses, custodians, retention })
    }
}
