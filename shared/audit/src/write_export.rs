//! Writes a folder that others can verify without us (docs/LOG_FORMAT.md §8).

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use ledger::{Checkpoint, Hash, InvalidBundle, Note, TileId, bundle_path, write_bundle};

use crate::export::{CHECKPOINT, CHECKPOINTS, WITNESSED};
use crate::fold::{WIDTH, tile_root};
use crate::lines::Line;
use crate::source::{Source, StoredNote, Unreadable};

const PAGE: usize = 512;
/// A forged size must not make us look for tiles without end.
const ENTRIES_BEYOND_MAX: u64 = 1 << 24;

/// What an export holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub size: u64,
    /// Bodies that are there.
    pub bodies: u64,
    pub checkpoints: u64,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the folder is there already and not empty")]
    NotEmpty,
    #[error("the folder cannot be written: {0}")]
    Io(#[from] io::Error),
    #[error("a part of the log cannot be read; verify it to learn which")]
    Unreadable(#[from] Unreadable),
    #[error("the log holds something that no export can: {0}")]
    Bundle(#[from] InvalidBundle),
}

/// Copies a log as it is, damage and all, into a new folder.
pub fn write_export(source: &mut dyn Source, folder: &Path) -> Result<Exported, ExportError> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(ExportError::NotEmpty);
    }
    let mut exported = Exported::default();
    let mut newest = None;
    let mut lines = BufWriter::new(File::create_new(folder.join(CHECKPOINTS))?);
    copy_notes(
        |from, limit| source.checkpoints(from, limit),
        PAGE,
        |stored| {
            write_line(&mut lines, &stored, Some(stored.stored_at_unix_ms))?;
            exported.checkpoints += 1;
            newest = Some(stored);
            Ok(())
        },
    )?;
    lines.flush()?;
    let mut newest_note = newest.as_ref().map(|newest| newest.note.clone());
    let mut lines = BufWriter::new(File::create_new(folder.join(WITNESSED))?);
    copy_notes(
        |from, limit| source.witnessed(from, limit),
        16,
        |stored| {
            if newest.as_ref().is_some_and(|newest| newest.size == stored.size) {
                newest_note = newest_note.as_deref().map(|note| join(note, &stored.note));
            }
            Ok(write_line(&mut lines, &stored, None)?)
        },
    )?;
    lines.flush()?;
    if let Some(note) = newest_note {
        fs::write(folder.join(CHECKPOINT), note)?;
    }
    let end = source.end()?;
    exported.size = newest.map_or(0, |newest| newest.size);
    let size = exported.size.min(end.saturating_add(ENTRIES_BEYOND_MAX));
    exported.bodies = write_bodies(source, folder, end)?;
    write_tiles(source, folder, size)?;
    Ok(exported)
}

fn copy_notes(
    mut read: impl FnMut(u64, usize) -> Result<Vec<StoredNote>, Unreadable>,
    limit: usize,
    mut write: impl FnMut(StoredNote) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut from = 0;
    loop {
        let notes = read(from, limit)?;
        let is_last = notes.len() < limit;
        from = notes.iter().map(|note| note.size).max().unwrap_or(from).max(from);
        notes.into_iter().try_for_each(&mut write)?;
        if is_last || from == u64::MAX {
            return Ok(());
        }
        from += 1;
    }
}

fn write_line(
    lines: &mut impl io::Write,
    stored: &StoredNote,
    issued_at_unix_ms: Option<i64>,
) -> io::Result<()> {
    let line = Line { size: stored.size, issued_at_unix_ms, note: stored.note.clone() };
    serde_json::to_writer(&mut *lines, &line)?;
    lines.write_all(b"\n")
}

/// Puts the cosignatures of one note under another of the same text.
fn join(note: &str, cosigned: &str) -> String {
    let (Ok(mut joined), Ok(cosigned)) = (note.parse::<Note>(), cosigned.parse::<Note>()) else {
        return note.to_owned();
    };
    let same = |note: &Note| Checkpoint::parse(note.text()).ok();
    if joined.text() == cosigned.text() && same(&joined).is_some() {
        for line in cosigned.signatures() {
            joined.add_line(line.clone());
        }
    }
    joined.to_string()
}

fn write_bodies(source: &mut dyn Source, folder: &Path, end: u64) -> Result<u64, ExportError> {
    let mut count = 0;
    for number in 0..end.div_ceil(WIDTH) {
        let first = number * WIDTH;
        let width = usize::try_from((end - first).min(WIDTH)).unwrap_or(256);
        let stored = source.bodies(first..(first + WIDTH).min(end))?;
        let mut bodies: Vec<Option<&[u8]>> = vec![None; width];
        for one in &stored {
            let place = one.index.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            if let Some(slot) = place.and_then(|at| bodies.get_mut(at)) {
                count += u64::from(slot.is_none());
                slot.get_or_insert(&one.body);
            }
        }
        write(folder, &bundle_path(number, width), &write_bundle(&bodies)?)?;
    }
    Ok(count)
}

fn write_tiles(source: &mut dyn Source, folder: &Path, size: u64) -> Result<(), ExportError> {
    for level in 0..8 {
        let hashes = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
        for index in 0..hashes.div_ceil(WIDTH) {
            let id = TileId { level, index };
            let width = id.width_in(size);
            let tile = match source.tile(id, width)? {
                None if width < 256 && !source.keeps_partial_tiles() => {
                    Some(partial_tile(source, id, width)?)
                }
                tile => tile,
            };
            if let Some(hashes) = tile {
                let bytes: Vec<u8> =
                    hashes.iter().flat_map(|hash| hash.as_bytes()).copied().collect();
                write(folder, &id.path(width), &bytes)?;
            }
        }
    }
    Ok(())
}

/// Makes a tile at the right edge, where a database keeps leaves and full tiles only.
fn partial_tile(
    source: &mut dyn Source,
    id: TileId,
    width: usize,
) -> Result<Vec<Hash>, Unreadable> {
    let first = id.index * WIDTH;
    let end = first + u64::try_from(width).map_err(|_| Unreadable)?;
    let Some(below) = id.level.checked_sub(1) else {
        let leaves = source.leaves(first..end)?.unwrap_or_default();
        return Ok(leaves.into_iter().map(|(_, hash)| hash).collect());
    };
    let mut hashes = Vec::new();
    for index in first..end {
        let below = source.tile(TileId { level: below, index }, 256)?;
        // Where a tile below is damaged, this one ends: the verifier finds out why.
        let Some(root) = below.and_then(|hashes| tile_root(&hashes)) else { break };
        hashes.push(root);
    }
    Ok(hashes)
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)
}
