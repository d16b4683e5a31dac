//! Checks a whole log against what its owner cannot change: signatures, witnesses and arithmetic.

use domain::retention::RetentionRules;
use ledger::{Checkpoint, Origin, Verifier, WitnessVerifier};

use crate::Source;
use crate::receipt::Proven;
use crate::witness::Cosigned;

/// Whose word counts.
#[derive(Clone, Debug)]
pub struct Trust {
    pub origin: Origin,
    /// Every key the log ever had.
    pub log: Vec<Verifier>,
    pub witnesses: Vec<WitnessVerifier>,
    pub custodians: Vec<Verifier>,
    pub retention: RetentionRules,
}

/// What others hold, so that the log's owner cannot have changed it.
#[derive(Default)]
pub struct Evidence<'a> {
    pub witnessed: Vec<Cosigned>,
    pub receipts: Vec<Proven>,
    /// An earlier export, to name the entries of a consistent rewrite.
    pub reference: Option<&'a mut dyn Source>,
}

/// How much is checked.
#[derive(Clone, Debug, Default)]
pub struct Extent {
    /// Goes on from here; what is before it was checked earlier.
    pub since: Option<Checkpoint>,
    /// Whether each permit stands in the log once and each inquiry is settled once; takes 32 bytes
    /// of memory an entry.
    pub thorough: bool,
}
