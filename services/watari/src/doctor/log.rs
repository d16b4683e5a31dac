//! What stands beside the provision log so that nobody has to trust it: head file and witnesses.

use std::fs;

use ledger::{Checkpoint, Origin};
use service::health::METRICS;

use super::{Trouble, health};
use crate::Settings;

/// The head file is there and holds a checkpoint of this log.
pub(super) fn head_file(settings: &Settings) -> Result<String, Trouble> {
    let next = "`watari log reconcile --config …` checks the log and writes the file";
    let trouble = |fault: &str| Trouble::new(fault, next);
    let config = settings.provision_log().map_err(|failure| trouble(&failure.chain()))?;
    let keys = config.keys().map_err(|error| trouble(&error.to_string()))?;
    let origin = Origin::from(keys.signer.verifier().name().clone());
    let shown = config.head_file.display();
    let note = fs::read_to_string(&config.head_file);
    let note = note.map_err(|error| trouble(&format!("{shown}: {error}")))?;
    match Checkpoint::open(&note, &origin, &keys.verifiers()) {
        Ok(checkpoint) => Ok(format!("{} entries", checkpoint.size)),
        Err(error) => Err(trouble(&format!("{shown}: {error}"))),
    }
}

/// Municipalities have cosigned the log a short while ago.
pub(super) async fn witnesses(settings: &Settings) -> Result<String, Trouble> {
    let trouble = |fault: String| {
        Trouble::new(fault, "do the partitions run, and reach the log?  Their /metrics say more")
    };
    let asked = health::ask(settings, domain::ServiceKind::ProvisionLog, METRICS.path).await;
    let text = asked.map_err(|failure| trouble(failure.chain()))?;
    let gauge = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.trim().parse::<u64>().ok())
    };
    let age_s = gauge("watari_log_cosigned_age_seconds").unwrap_or(u64::MAX);
    let max = settings.provision_log.as_ref().map_or(0, |config| config.witness.silent_s_max);
    let count = gauge("watari_log_round_witnesses").unwrap_or_default();
    if age_s <= max {
        Ok(format!("{count} in this round, silent for {age_s} s"))
    } else {
        Err(trouble(format!("no cosignature for {age_s} s; {max} s are allowed")))
    }
}
