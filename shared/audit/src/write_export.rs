//! Writes a folder that others can verify without us (docs/LOG_FORMAT.md §8).

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use ledger::{
    Checkpoint, EMPTY_ROOT, Hash, InvalidBundle, Note, TileId, bundle_path, write_bundle,
};

use crate::desk::Desk;
use crate::export::{CHECKPOINT, CHECKPOINTS, WITNESSED};
use crate::fold::WIDTH;
use crate::lines::Line;
use crate::skeleton::Skeleton;
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
    exported.size = newest.as_ref().map_or(0, |newest| newest.size);
    let size = exported.size.min(end.saturating_add(ENTRIES_BEYOND_MAX));
    exported.bodies = write_bodies(source, folder, end)?;
    let root = newest.and_then(|newest| root_of(&newest));
    write_tiles(source, folder, size, root.unwrap_or(EMPTY_ROOT))?;
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

/// The root that a checkpoint speaks of, whoever signed it.
fn root_of(stored: &StoredNote) -> Option<Hash> {
    let note: Note = stored.note.parse().ok()?;
    Checkpoint::parse(note.text()).ok().map(|checkpoint| checkpoint.root)
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

fn write_tiles(
    source: &mut dyn Source,
    folder: &Path,
    size: u64,
    root: Hash,
) -> Result<(), ExportError> {
    // Where a database keeps full tiles only, the others are made of what the newest root proves.
    let edge = if source.keeps_partial_tiles() {
        None
    } else {
        Some(Skeleton::build(&mut Desk::new(source, Vec::new()), size, root))
    };
    for level in 0..8 {
        let hashes = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
        for index in 0..hashes.div_ceil(WIDTH) {
            let id = TileId { level, index };
            let width = id.width_in(size);
            let tile = match &edge {
                Some(edge) if width < 256 => Some(partial_tile(source, edge, id, width)?),
                _ => source.tile(id, width)?,
            };
            if let Some(hashes) = tile.filter(|hashes| !hashes.is_empty()) {
                let bytes: Vec<u8> =
                    hashes.iter().flat_map(|hash| hash.as_bytes()).copied().collect();
                write(folder, &id.path(width), &bytes)?;
            }
        }
    }
    Ok(())
}

/// A tile at the right edge, as far as its hashes are known.
fn partial_tile(
    source: &mut dyn Source,
    edge: &Skeleton,
    id: TileId,
    width: usize,
) -> Result<Vec<Hash>, Unreadable> {
    let first = id.index * WIDTH;
    let end = first + u64::try_from(width).map_err(|_| Unreadable)?;
    if id.level == 0 {
        if let Some(tail) = edge.tail() {
            return Ok(tail.to_vec());
        }
        let leaves = source.leaves(first..end)?.unwrap_or_default();
        let in_order =
            (first..).zip(leaves).map_while(|(index, (at, hash))| (index == at).then_some(hash));
        return Ok(in_order.collect());
    }
    let known = (first..end).map_while(|index| edge.known(id.level, index));
    Ok(known.map(|known| known.hash).collect())
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)
}
