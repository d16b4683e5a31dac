//! Files that people keep beside the log: keys, receipts, witnesses' notes, orders.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ledger::{InvalidKey, Note, NoteError};
use serde::Deserialize;
use wire::provision_log::Receipt;

use crate::order::Order;
use crate::receipt::{Proven, ReceiptError};
use crate::verify::Trust;
use crate::witness::Cosigned;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: {source}")]
    Note { path: PathBuf, source: NoteError },
    #[error("{path}: {source}")]
    Receipt { path: PathBuf, source: ReceiptError },
    #[error("{path} is not a receipt")]
    NoReceipt { path: PathBuf },
    #[error("{path} holds no order")]
    NoOrder { path: PathBuf },
    #[error("a key: {0}")]
    Key(#[from] InvalidKey),
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { path, source }
}

fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(io_error(path))
}

/// Writes a file in one step: after a crash there is the old one or the new one, whole.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    let unfinished = Path::new(&name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(unfinished, path)?;
    // A new name is durable only once its folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Adds a line to a file, durably.
pub fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}

/// Keys by value, or from files that hold one a line.
pub fn read_keys<K: FromStr<Err = InvalidKey>>(given: &[String]) -> Result<Vec<K>, FileError> {
    let mut keys = Vec::new();
    for text in given {
        let file = Path::new(text);
        let lines = match text.parse::<K>() {
            Err(_) if file.is_file() => read(file)?,
            _ => text.clone(),
        };
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            keys.push(line.parse()?);
        }
    }
    Ok(keys)
}

/// What a line of a witness's file must have.
#[derive(Deserialize)]
struct Noted {
    note: String,
}

/// The cosigned checkpoints of a witness's file: a note, or one JSON object with a note a line.
pub fn read_witnessed(path: &Path, trust: &Trust) -> Result<Vec<Cosigned>, FileError> {
    let text = read(path)?;
    let lines = text.lines().map(|line| serde_json::from_str(line).map(|one: Noted| one.note));
    let notes = lines.collect::<Result<Vec<_>, _>>().unwrap_or_else(|_| vec![text.clone()]);
    let open = |note: &String| {
        let unusable = |source| FileError::Note { path: path.to_owned(), source };
        Cosigned::open(note, trust).map_err(unusable)
    };
    notes.iter().map(open).collect()
}

/// A receipt as a municipality keeps it, with what it proves.
pub fn read_receipt(path: &Path, trust: &Trust) -> Result<(Receipt, Proven), FileError> {
    let receipt = serde_json::from_str(&read(path)?);
    let receipt: Receipt = receipt.map_err(|_| FileError::NoReceipt { path: path.to_owned() })?;
    let unproven = |source| FileError::Receipt { path: path.to_owned(), source };
    let proven = Proven::open(&receipt, trust).map_err(unproven)?;
    Ok((receipt, proven))
}

/// An order's file, signed or not; whether its signatures hold is not checked.
pub fn read_order(path: &Path) -> Result<(Note, Order), FileError> {
    let no_order = || FileError::NoOrder { path: path.to_owned() };
    let text = read(path)?;
    // It is bare text while nobody has signed it.
    let note = text.parse().or_else(|_| Note::from_parts(text, Vec::new()));
    let note: Note = note.map_err(|_| no_order())?;
    let json = note.text().split_once('\n').map(|(_, json)| json.trim_end());
    let order = json.and_then(|json| serde_json::from_str(json).ok()).ok_or_else(no_order)?;
    Ok((note, order))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
