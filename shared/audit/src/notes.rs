//! Stored checkpoints, read in pages and signature by signature.

use std::collections::{BTreeSet, VecDeque};

use ledger::{Checkpoint, Hash, Note};

use crate::desk::Desk;
use crate::findings::Kind;
use crate::source::{StoredNote, Unreadable};
use crate::verify::Trust;
use crate::witness::Cosigned;

const PAGE: usize = 512;
/// Each of these may carry every municipality's signature.
const WITNESSED_PAGE: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Checkpoints,
    Witnessed,
}

/// A reader's place in one of the lists.
#[derive(Debug)]
pub(crate) struct Notes {
    which: Which,
    next_size: u64,
    limit: usize,
    buffer: VecDeque<StoredNote>,
    has_ended: bool,
}

impl Notes {
    pub(crate) fn new(which: Which, from_size: u64) -> Self {
        let buffer = VecDeque::new();
        Self { which, next_size: from_size, limit: page(which), buffer, has_ended: false }
    }

    pub(crate) fn next(&mut self, desk: &mut Desk<'_>) -> Option<StoredNote> {
        while self.buffer.is_empty() && !self.has_ended {
            self.turn_page(desk);
        }
        self.buffer.pop_front()
    }

    fn turn_page(&mut self, desk: &mut Desk<'_>) {
        match self.read(desk, self.next_size, self.limit) {
            Ok(notes) => {
                self.has_ended = notes.len() < self.limit;
                let last = notes.iter().map(|note| note.size).max();
                match last.and_then(|size| size.max(self.next_size).checked_add(1)) {
                    Some(next) => self.next_size = next,
                    None => self.has_ended = true,
                }
                self.buffer = notes.into();
                self.limit = page(self.which);
            }
            Err(Unreadable) if self.limit > 1 => self.limit = 1,
            Err(Unreadable) => self.jump(desk),
        }
    }

    /// Finds the next size from which on checkpoints can be read again.
    fn jump(&mut self, desk: &mut Desk<'_>) {
        let lost = self.next_size;
        desk.findings.add(Kind::Unreadable, lost, lost, "checkpoints cannot be read from here on");
        let (mut unreadable, mut step) = (lost, 1u64);
        let mut readable = loop {
            let Some(probe) = lost.checked_add(step).filter(|probe| *probe < u64::MAX) else {
                self.has_ended = true;
                return;
            };
            if self.read(desk, probe, 1).is_ok() {
                break probe;
            }
            (unreadable, step) = (probe, step.saturating_mul(2));
        };
        while readable - unreadable > 1 {
            let middle = unreadable.midpoint(readable);
            let is_readable = self.read(desk, middle, 1).is_ok();
            if is_readable { readable = middle } else { unreadable = middle }
        }
        self.next_size = readable;
    }

    fn read(
        &self,
        desk: &mut Desk<'_>,
        from_size: u64,
        limit: usize,
    ) -> Result<Vec<StoredNote>, Unreadable> {
        match self.which {
            Which::Checkpoints => desk.source.checkpoints(from_size, limit),
            Which::Witnessed => desk.source.witnessed(from_size, limit),
        }
    }
}

fn page(which: Which) -> usize {
    match which {
        Which::Checkpoints => PAGE,
        Which::Witnessed => WITNESSED_PAGE,
    }
}

/// What the signatures say, before anything is compared with the entries.
#[derive(Debug, Default)]
pub(crate) struct Signed {
    /// The largest checkpoint that the log signed.
    pub(crate) newest: Option<(u64, Hash)>,
    pub(crate) checkpoints: u64,
    /// The checkpoints that don't count, by their place in the list.
    unsigned: BTreeSet<u64>,
    /// What witnesses and the log signed together.
    pub(crate) witnessed: Vec<Cosigned>,
}

impl Signed {
    /// Checks every signature from a size on.
    pub(crate) fn read(desk: &mut Desk<'_>, trust: &Trust, from_size: u64) -> Self {
        let mut signed = Self::default();
        signed.read_checkpoints(desk, trust, from_size);
        signed.read_witnessed(desk, trust, from_size);
        signed
    }

    fn read_checkpoints(&mut self, desk: &mut Desk<'_>, trust: &Trust, from_size: u64) {
        let mut notes = Notes::new(Which::Checkpoints, from_size);
        let mut last_size = 0;
        while let Some(stored) = notes.next(desk) {
            let opened = Checkpoint::open(&stored.note, &trust.origin, &trust.log);
            let detail = match opened {
                Err(_) => Some("the checkpoint's signature does not hold"),
                Ok(Checkpoint { size, .. }) if size != stored.size => {
                    Some("the checkpoint is filed under another size")
                }
                Ok(Checkpoint { root, .. }) if stored.root.is_some_and(|filed| filed != root) => {
                    Some("the checkpoint is filed under another root")
                }
                Ok(Checkpoint { size, root, .. }) => {
                    self.newest =
                        self.newest.filter(|newest| newest.0 >= size).or(Some((size, root)));
                    (size < last_size).then_some("the checkpoint is out of order")
                }
            };
            if let Some(detail) = detail {
                desk.findings.add(Kind::AlteredCheckpoint, stored.size, stored.size, detail);
                self.unsigned.insert(self.checkpoints);
            } else {
                last_size = stored.size;
            }
            self.checkpoints += 1;
        }
    }

    fn read_witnessed(&mut self, desk: &mut Desk<'_>, trust: &Trust, from_size: u64) {
        let mut notes = Notes::new(Which::Witnessed, from_size);
        while let Some(stored) = notes.next(desk) {
            match Cosigned::open(&stored.note, trust) {
                // Witnesses sign beside the log, never in its place.
                Ok(cosigned) if cosigned.by_log && cosigned.size == stored.size => {
                    let Cosigned { size, root, .. } = cosigned;
                    if self.newest.is_none_or(|newest| newest.0 < size) {
                        self.newest = Some((size, root));
                    }
                    self.witnessed.push(cosigned);
                }
                _ => {
                    let detail = "a signature under the cosigned checkpoint does not hold";
                    desk.findings.add(Kind::AlteredCheckpoint, stored.size, stored.size, detail);
                }
            }
        }
    }
}

/// The checkpoints that count, in order, to be compared with the entries; each is read again but
/// its signature is not checked twice.
#[derive(Debug)]
pub(crate) struct Roots {
    notes: Notes,
    place: u64,
    waiting: Option<(u64, Hash)>,
}

impl Roots {
    pub(crate) fn new(from_size: u64) -> Self {
        Self { notes: Notes::new(Which::Checkpoints, from_size), place: 0, waiting: None }
    }

    /// The next root for a size of at most this many entries.
    pub(crate) fn next(
        &mut self,
        desk: &mut Desk<'_>,
        signed: &Signed,
        size_max: u64,
    ) -> Option<(u64, Hash)> {
        while self.waiting.is_none() {
            let stored = self.notes.next(desk)?;
            let counts = !signed.unsigned.contains(&self.place);
            self.place += 1;
            if counts {
                self.waiting = root(&stored.note);
            }
        }
        self.waiting.take_if(|(size, _)| *size <= size_max)
    }
}

fn root(note: &str) -> Option<(u64, Hash)> {
    let note: Note = note.parse().ok()?;
    let Checkpoint { size, root, .. } = Checkpoint::parse(note.text()).ok()?;
    Some((size, root))
}
