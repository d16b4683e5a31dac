//! An earlier export, held against the log entry by entry.

use crate::chunk::Chunk;
use crate::desk::Desk;
use crate::fold::WIDTH;
use crate::notes::Signed;
use crate::ranges::Ranges;
use crate::skeleton::Skeleton;
use crate::source::Source;
use crate::verify::Trust;

/// A log that was proven by its own newest checkpoint.
pub(crate) struct Reference<'r> {
    desk: Desk<'r>,
    skeleton: Skeleton,
    pub(crate) size: u64,
    pub(crate) root: ledger::Hash,
}

impl<'r> Reference<'r> {
    /// `None` if the log did not sign it.
    pub(crate) fn open(source: &'r mut dyn Source, trust: &Trust) -> Option<Self> {
        let mut desk = Desk::new(source, Vec::new());
        let (size, root) = Signed::read(&mut desk, trust, 0).newest?;
        let skeleton = Skeleton::build(&mut desk, size, root);
        Some(Self { desk, skeleton, size, root })
    }

    /// The entries that are others than in the log, as far as both reach.
    pub(crate) fn differences(
        &mut self,
        desk: &mut Desk<'_>,
        skeleton: &Skeleton,
        size: u64,
    ) -> Ranges {
        let mut different = Ranges::default();
        for number in 0..size.min(self.size).div_ceil(WIDTH) {
            let (theirs, ours) = (self.skeleton.known(1, number), skeleton.known(1, number));
            if theirs.is_some() && theirs == ours {
                continue;
            }
            let our_chunk = Chunk::read(desk, number, size);
            let their_chunk = Chunk::read(&mut self.desk, number, self.size);
            let ours = skeleton.leaves(desk, &our_chunk).unwrap_or_default();
            let theirs = self.skeleton.leaves(&mut self.desk, &their_chunk).unwrap_or_default();
            for (index, (ours, theirs)) in (our_chunk.first..).zip(ours.into_iter().zip(theirs)) {
                if ours != theirs {
                    different.push(index..index + 1);
                }
            }
        }
        different
    }
}
