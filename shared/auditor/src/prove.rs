use std::path::PathBuf;

use audit::{Proven, Stored, read_receipt};
use clap::Args;
use serde_json::json;

use crate::{Failure, Given, Keys, Place, Said, to_json};

#[derive(Debug, Args)]
pub struct Prove {
    /// The entry to prove
    #[arg(value_name = "INDEX", required_unless_present = "check")]
    index: Option<u64>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Prove it under the checkpoint of this size [default: the newest]
    #[arg(long, value_name = "N")]
    size: Option<u64>,
    /// Check this receipt (JSON) instead; needs nothing but the log's key
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    #[command(flatten)]
    keys: Keys,
}

impl Prove {
    pub(crate) fn run(&self, mut given: Given) -> Result<Said, Failure> {
        let trust = self.keys.trust(&given)?;
        if let Some(file) = &self.check {
            let Proven { index, size, root, .. } = read_receipt(file, &trust)?.1;
            let proven = json!({"proven": true, "index": index, "size": size, "root": root});
            return Ok(to_json(&proven)?.into());
        }
        let mut source = self.place.open(&mut given)?;
        let stored = Stored::open(source.as_mut(), &trust)?;
        let index = self.index.unwrap_or_default();
        Ok(to_json(&stored.receipt(source.as_mut(), index, self.size)?)?.into())
    }
}
