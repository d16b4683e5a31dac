use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Finding, Trouble};

/// The configuration file may hold secrets, so others must not read or write it.
pub(super) fn configuration(path: &Path) -> Finding {
    let state = private(path).map(|()| path.display().to_string());
    Finding { whose: "watari", what: "configuration", state }
}

/// A file that only its owner, and perhaps its group, may read.
pub(super) fn private(path: &Path) -> Result<(), Trouble> {
    const EXPOSED: u32 = 0o037;
    let shown = path.display();
    let metadata = fs::metadata(path)
        .map_err(|error| Trouble::new(format!("{shown}: {error}"), "restore the file"))?;
    if metadata.permissions().mode() & EXPOSED == 0 {
        return Ok(());
    }
    Err(Trouble::new("others may read or write it", format!("chmod 600 '{shown}'")))
}
