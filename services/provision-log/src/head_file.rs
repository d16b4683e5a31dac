//! The newest checkpoint in a file outside the database: by it a log that was set back is known.
//!
//! Invariant: the file never speaks of more than the database holds, unless a witness showed that
//! the log has lost or changed what it had signed.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use audit::replace_file;
use db::Db;
use ledger::Checkpoint;
use service::server::StartError;

use crate::head::{Head, Keeper, RestoreError};
use crate::log::refuse;

const MISSING: &str = "the file `head_file` is missing although the provision log has entries: \
                       check the log with `watari log verify`, then run `watari log reconcile`";
const UNREADABLE: &str = "the file `head_file` can't be read, or holds no checkpoint of this log: \
                          restore it, or run `watari log reconcile`";
const SET_BACK: &str = "the provision log was set back or changed: it does not continue the \
                        checkpoint in `head_file`; restore the newest database, or find out what \
                        is lost and run `watari log reconcile`";
const UNWRITABLE: &str = "the file `head_file` can't be written; its folder must exist";

#[derive(Debug)]
pub(crate) struct HeadFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    written: String,
    /// Holds what the log contradicts, until somebody has looked into it.
    is_sealed: bool,
}

impl HeadFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default() }
    }

    /// Refuses a stored log that does not continue what the file says.
    pub(crate) async fn check(
        &self,
        db: &Db,
        keeper: &Keeper,
        head: &Arc<Head>,
    ) -> Result<(), StartError> {
        let note = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_empty = head.tree.size() == 0;
                return if is_empty { Ok(()) } else { Err(StartError::Refused(MISSING)) };
            }
            read => read.map_err(|_| StartError::Refused(UNREADABLE))?,
        };
        let known = keeper.open(&note).map_err(|_| StartError::Refused(UNREADABLE))?;
        let Checkpoint { size, root, .. } = known;
        let head = Arc::clone(head);
        let continues = move |tx: &mut _| Ok(head.continues(tx, size, root)?);
        let continues = db.read::<_, RestoreError, _>("provision-log.head-file", continues).await;
        if continues.map_err(refuse)? { Ok(()) } else { Err(StartError::Refused(SET_BACK)) }
    }

    /// Writes the checkpoint with which the log starts.
    pub(crate) fn begin(&self, note: &str) -> Result<(), StartError> {
        self.write(note).map_err(|_| StartError::Refused(UNWRITABLE))
    }

    /// Writes a checkpoint that the database holds, unless it stands there already.
    pub(crate) fn write(&self, note: &str) -> io::Result<()> {
        self.put(note, false)
    }

    /// Writes what the log contradicts: it will not start again before it is reconciled.
    pub(crate) fn seal(&self, note: &str) -> io::Result<()> {
        self.put(note, true)
    }

    fn put(&self, note: &str, is_sealed: bool) -> io::Result<()> {
        let mut state = self.state.lock().map_err(|_| io::ErrorKind::Other)?;
        if state.is_sealed || (state.written == note && !is_sealed) {
            return Ok(());
        }
        state.is_sealed = is_sealed;
        replace_file(&self.path, note.as_bytes())?;
        note.clone_into(&mut state.written);
        Ok(())
    }
}
