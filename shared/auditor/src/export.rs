use std::path::PathBuf;

use audit::{StoredError, newest_checkpoint};
use clap::Args;
use ledger::Note;
use serde_json::json;

use crate::{Failure, Given, Place, Said, to_json};

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The folder to write; it must be empty or not there
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

#[derive(Debug, Args)]
pub struct Checkpoint {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Ask the running service of the configuration instead of its database
    #[arg(long, requires = "config")]
    pub running: bool,
    /// Print size, root and note as JSON
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(crate) fn run(&self, mut given: Given) -> Result<Said, Failure> {
        let written = audit::write_export(self.place.open(&mut given)?.as_mut(), &self.to)?;
        let (to, audit::Exported { size, bodies, .. }) = (self.to.display(), written);
        let text = format!("Wrote {size} entries, {bodies} of them with their bodies.");
        Ok(format!("{text}\nNext: watari log verify {to} --log-key …").into())
    }
}

impl Checkpoint {
    pub(crate) fn run(&self, mut given: Given) -> Result<Said, Failure> {
        let note = match given.running.take() {
            Some(note) => note,
            None => {
                let newest = newest_checkpoint(self.place.open(&mut given)?.as_mut());
                newest.map_err(StoredError::from)?.ok_or(StoredError::Empty)?.note
            }
        };
        if !self.json {
            return Ok(note.trim_end().to_owned().into());
        }
        let parsed: Note = note.parse()?;
        let ledger::Checkpoint { size, root, .. } = ledger::Checkpoint::parse(parsed.text())?;
        Ok(to_json(&json!({"size": size, "root": root, "note": note}))?.into())
    }
}
