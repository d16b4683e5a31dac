//! An export's folder (docs/LOG_FORMAT.md §8), read as a source.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ledger::{Checkpoint, Hash, Note, TileId, bundle_path};

use crate::fold::WIDTH;
use crate::lines::Lines;
use crate::source::{Source, StoredBody, StoredNote, Unreadable};

/// 256 bodies of the greatest length.
const BUNDLE_BYTES_MAX: u64 = 256 * (2 + 65_535);
const NOTE_FILE_BYTES_MAX: u64 = 1 << 20;

pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const CHECKPOINTS: &str = "checkpoints.jsonl";
pub(crate) const WITNESSED: &str = "witnessed.jsonl";

/// A folder that `write_export` wrote, or somebody else by the same format.
#[derive(Debug)]
pub struct Export {
    folder: PathBuf,
    checkpoints: Lines,
    witnessed: Lines,
    /// The last file of bodies, if there is any.
    last_bundle: Option<u64>,
}

/// One file of bodies, read as far as it can be.
struct Bundle {
    bodies: Vec<Option<Vec<u8>>>,
    /// How many there should be.
    width: usize,
}

impl Export {
    /// Opens the folder; what is missing in it is for the verifier to say.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut last_bundle = None;
        let bundles = folder.join("tile/entries");
        find_last(&bundles, "", &mut last_bundle)?;
        Ok(Self {
            checkpoints: Lines::open(&folder.join(CHECKPOINTS))?,
            witnessed: Lines::open(&folder.join(WITNESSED))?,
            folder: fs::canonicalize(folder)?,
            last_bundle,
        })
    }

    /// The newest checkpoint has a file of its own.
    fn newest(&self, size_or_more: u64) -> Result<Option<StoredNote>, Unreadable> {
        let path = self.folder.join(CHECKPOINT);
        let note = match read(&path, NOTE_FILE_BYTES_MAX)? {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => return Ok(None),
        };
        let text = note.parse().ok().map(|note: Note| note.text().to_owned());
        let checkpoint = text.and_then(|text| Checkpoint::parse(&text).ok());
        let size = checkpoint.map_or(size_or_more, |checkpoint| checkpoint.size);
        Ok(Some(StoredNote { size, stored_at_unix_ms: 0, root: None, note }))
    }

    fn bundle(&self, index: u64) -> Result<Option<Bundle>, Unreadable> {
        let path = self.folder.join(bundle_path(index, 256));
        let file = widest(&path, BUNDLE_BYTES_MAX)?;
        Ok(file.map(|(bytes, width)| Bundle { bodies: split(&bytes), width }))
    }
}

fn split(mut bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut bodies = Vec::with_capacity(256);
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        bodies.push((length > 0).then(|| body.to_vec()));
        bytes = rest;
    }
    bodies
}

impl Source for Export {
    fn checkpoints(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable> {
        self.checkpoints.read(from_size, limit)
    }

    fn witnessed(&mut self, from_size: u64, limit: usize) -> Result<Vec<StoredNote>, Unreadable> {
        let mut notes = self.witnessed.read(from_size, limit)?;
        if notes.len() < limit {
            let end = notes.last().map_or(from_size, |note| note.size);
            notes.extend(self.newest(end)?.filter(|note| note.size >= from_size));
        }
        Ok(notes)
    }

    fn tile(&mut self, id: TileId, width: usize) -> Result<Option<Vec<Hash>>, Unreadable> {
        let full = self.folder.join(id.path(256));
        let exact = self.folder.join(id.path(width));
        // A byte more than there may be tells a file that is too long.
        let max = 256 * 32 + 1;
        let found = match read(&exact, max)? {
            Some(bytes) => Some((bytes, width)),
            None => widest(&full, max)?,
        };
        let Some((bytes, written_width)) = found else { return Ok(None) };
        let (hashes, rest) = bytes.as_chunks::<32>();
        let mut hashes: Vec<Hash> = hashes.iter().copied().map(Hash::from).collect();
        let is_whole = rest.is_empty() && hashes.len() <= written_width;
        hashes.truncate(width);
        if !is_whole {
            hashes.push(ledger::EMPTY_ROOT);
        }
        Ok(Some(hashes))
    }

    fn keeps_partial_tiles(&self) -> bool {
        true
    }

    fn bodies(&mut self, range: Range<u64>) -> Result<Vec<StoredBody>, Unreadable> {
        let mut found = Vec::new();
        for number in range.start / WIDTH..range.end.div_ceil(WIDTH) {
            let first = number * WIDTH;
            let chunk_end = first + WIDTH;
            let Some(Bundle { bodies, width }) = self.bundle(number)? else {
                // Every file but those behind the last one should be there.
                if Some(number) < self.last_bundle {
                    return Err(Unreadable);
                }
                continue;
            };
            // Even a body that was destroyed has its place in the file.
            let [read_end, full_end] =
                [bodies.len(), width].map(|count| first + u64::try_from(count).unwrap_or(WIDTH));
            if read_end < full_end && range.start < full_end && read_end < range.end {
                return Err(Unreadable);
            }
            // What a file holds beyond its 256 entries comes with the last of them.
            let asked_end = if range.end >= chunk_end { u64::MAX } else { range.end };
            let numbered = (first..).zip(bodies);
            let asked = numbered.filter(|(index, _)| (range.start..asked_end).contains(index));
            found.extend(
                asked.filter_map(|(index, body)| {
                    Some(StoredBody { index, body: body?, listed: None })
                }),
            );
        }
        Ok(found)
    }

    fn leaves(&mut self, _range: Range<u64>) -> Result<Option<Vec<(u64, Hash)>>, Unreadable> {
        Ok(None)
    }

    fn end(&mut self) -> Result<u64, Unreadable> {
        let Some(last) = self.last_bundle else { return Ok(0) };
        let count = self.bundle(last)?.map_or(0, |bundle| bundle.bodies.len().max(bundle.width));
        Ok(last * WIDTH + u64::try_from(count).unwrap_or(WIDTH))
    }
}

/// Reads a whole file, or as many bytes of it as there may be; `None` if there is no such file.
fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, Unreadable> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(_) => return Err(Unreadable),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes).map_err(|_| Unreadable)?;
    Ok(Some(bytes))
}

/// A file at its full path, or else the widest of its partial ones, with the width in its name.
fn widest(full: &Path, bytes_max: u64) -> Result<Option<(Vec<u8>, usize)>, Unreadable> {
    if let Some(bytes) = read(full, bytes_max)? {
        return Ok(Some((bytes, 256)));
    }
    let mut name = full.as_os_str().to_owned();
    name.push(".p");
    let partial = PathBuf::from(name);
    let folder = match fs::read_dir(&partial) {
        Ok(folder) => folder,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(_) => return Err(Unreadable),
    };
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let widths = names.filter_map(|name| name.parse::<usize>().ok());
    let widths = widths.filter(|width| (1..256).contains(width));
    let Some(width) = widths.max() else { return Ok(None) };
    let bytes = read(&partial.join(width.to_string()), bytes_max)?;
    Ok(bytes.map(|bytes| (bytes, width)))
}

/// Walks the folders of tlog-tiles, which hold a thousand files each.
fn find_last(folder: &Path, above: &str, last: &mut Option<u64>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('x') {
            find_last(&entry.path(), &format!("{above}{name}/"), last)?;
            continue;
        }
        let path = format!("tile/0/{above}{}", name.trim_end_matches(".p"));
        if let Ok((id, _)) = TileId::parse_path(&path) {
            *last = (*last).max(Some(id.index));
        }
    }
    Ok(())
}
