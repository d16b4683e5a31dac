//! What is wrong with the provision log, as this partition sees it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The log shows a room something that does not continue what the room has seen.
pub const CONTRADICTION: &str = "the provision log does not continue what a room has seen of it";
/// The log could not be witnessed for too long.
pub const SILENCE: &str = "the provision log could not be witnessed for too long";
/// Too few municipalities see the same log.
pub const NO_QUORUM: &str = "too few municipalities witness the provision log";

/// The alarms that ring now; each is written to the log when it begins and when it ends.
#[derive(Debug, Default)]
pub struct Alarms(Mutex<BTreeSet<&'static str>>);

impl Alarms {
    pub fn set(&self, cause: &'static str, rings: bool) {
        let mut causes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (rings, causes.contains(cause)) {
            (true, false) => {
                causes.insert(cause);
                tracing::error!(cause, "alarm");
            }
            (false, true) => {
                causes.remove(cause);
                tracing::warn!(cause, "the alarm is over");
            }
            _ => {}
        }
    }

    pub fn causes(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}
