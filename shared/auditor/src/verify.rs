use std::path::PathBuf;

use audit::{Evidence, Export, Extent, read_receipt, read_witnessed};
use clap::Args;
use ledger::{Checkpoint, Hash};

use crate::{Failure, Given, Keys, Place, Said, to_json};

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    keys: Keys,
    /// What a witness kept: its notes, or `witnessed.jsonl` of another export
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,
    /// A receipt that a municipality kept (JSON)
    #[arg(long, value_name = "FILE")]
    receipt: Vec<PathBuf>,
    /// An earlier export, to name the entries that a rewrite changed
    #[arg(long, value_name = "EXPORT")]
    reference: Option<PathBuf>,
    /// Go on from this size: everything before was verified earlier
    #[arg(long, value_name = "SIZE", requires = "since_root")]
    since: Option<u64>,
    /// The root of that size
    #[arg(long, value_name = "ROOT", requires = "since")]
    since_root: Option<Hash>,
    /// Print the report as JSON and nothing else
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(&self, mut given: Given) -> Result<Said, Failure> {
        let trust = self.keys.trust(&given)?;
        let mut source = self.place.open(&mut given)?;
        let open = |folder: &PathBuf| Export::open(folder).map_err(Failure::file(folder));
        let mut reference = self.reference.as_ref().map(open).transpose()?;
        let mut evidence = Evidence::default();
        for file in &self.witness {
            evidence.witnessed.extend(read_witnessed(file, &trust)?);
        }
        for file in &self.receipt {
            evidence.receipts.push(read_receipt(file, &trust)?.1);
        }
        if let Some(export) = &mut reference {
            evidence.reference = Some(export);
        }
        let since = self.since.zip(self.since_root);
        let origin = || trust.origin.clone();
        let since = since.map(|(size, root)| Checkpoint { origin: origin(), size, root });
        let extent = Extent { since, thorough: true };
        let report = audit::verify(source.as_mut(), &trust, evidence, &extent);
        let text = if self.json { to_json(&report)? } else { report.to_string() };
        Ok(Said { text, is_sound: report.sound })
    }
}
