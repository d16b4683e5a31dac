//! One batch in one transaction: what is new is added, what is known is found again.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use domain::InquiryId;
use ledger::Batch;
use wire::provision_log::Entry;

use crate::append::AppendError;
use crate::candidate::Candidate;
use crate::head::{Head, Keeper};
use crate::store::{self, StoreError};

/// What became of one candidate.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It stands at this index, in these bytes.
    Stored {
        index: u64,
        text: Arc<str>,
        is_new: bool,
    },
    Refused(AppendError),
}

/// A batch whose rows are written but not yet committed.
#[derive(Debug)]
pub(crate) struct Written {
    /// One for each candidate, in their order.
    pub(crate) verdicts: Vec<Verdict>,
    /// `None` if nothing was new.
    pub(crate) grown: Option<(Batch, String)>,
}

/// What a batch is built on.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) head: Arc<Head>,
    pub(crate) keeper: Keeper,
    pub(crate) now_unix_ms: i64,
}

impl Base {
    /// Writes the candidates that are new: entries, full tiles and one signed checkpoint.
    ///
    /// Of entries that are in the log but not among `known`, the table's unique keys are the judge.
    pub(crate) fn write(
        &self,
        tx: &mut Tx,
        candidates: &[Candidate],
        known: &[store::Known],
    ) -> Result<Written, StoreError> {
        let tree = &self.head.tree;
        let mut places = Places::of(known, tree.size())?;
        let verdicts: Vec<_> = candidates.iter().map(|one| places.judge(one)).collect();
        let fresh: Vec<_> = candidates
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| matches!(verdict, Verdict::Stored { is_new: true, .. }))
            .map(|(candidate, _)| candidate)
            .collect();
        if fresh.is_empty() {
            return Ok(Written { verdicts, grown: None });
        }
        let batch = tree.stage(fresh.iter().map(|candidate| candidate.leaf));
        let (checkpoint, note) = self.keeper.checkpoint(batch.tree());
        store::insert_entries(tx, batch.first_index(), &fresh)?;
        store::insert_tiles(tx, batch.tiles())?;
        store::insert_checkpoint(tx, &checkpoint, &note, self.now_unix_ms)?;
        Ok(Written { verdicts, grown: Some((batch, note)) })
    }
}

/// What may stand in the log only once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    Permit(&'a str),
    SettledInquiry(InquiryId),
}

impl Key<'_> {
    /// What the caller did wrong who uses a key twice for different things.
    fn refusal(self) -> AppendError {
        match self {
            Self::Permit(_) => AppendError::PermitReused,
            Self::SettledInquiry(_) => AppendError::AlreadySettled,
        }
    }
}

fn keys(entry: &Entry) -> impl Iterator<Item = Key<'_>> {
    let settled = entry.outcome.settles().then_some(Key::SettledInquiry(entry.inquiry));
    std::iter::once(Key::Permit(&entry.permit)).chain(settled)
}

/// Where an entry stands, or will stand.
#[derive(Clone, Copy)]
struct Place<'a> {
    index: u64,
    entry: &'a Entry,
    text: &'a Arc<str>,
}

/// The entries of the database that matter here, then those of this batch as they are taken in.
struct Places<'a> {
    by_key: HashMap<Key<'a>, Place<'a>>,
    next_index: u64,
}

impl<'a> Places<'a> {
    fn of(known: &'a [store::Known], size: u64) -> Result<Self, StoreError> {
        // Written by somebody else since we last looked: our tree cannot prove it.
        if known.iter().any(|one| one.index >= size) {
            return Err(StoreError::Behind);
        }
        let mut places = Self { by_key: HashMap::new(), next_index: size };
        for store::Known { index, entry, text } in known {
            places.put(Place { index: *index, entry, text });
        }
        Ok(places)
    }

    fn put(&mut self, place: Place<'a>) {
        self.by_key.extend(keys(place.entry).map(|key| (key, place)));
    }

    fn judge(&mut self, candidate: &'a Candidate) -> Verdict {
        let Candidate { entry, text, .. } = candidate;
        let earlier = keys(entry).find_map(|key| Some((key, *self.by_key.get(&key)?)));
        let (place, is_new) = match earlier {
            Some((_, place)) if is_same_act(place.entry, entry) => (place, false),
            Some((key, _)) => return Verdict::Refused(key.refusal()),
            None => {
                let place = Place { index: self.next_index, entry, text };
                self.next_index += 1;
                self.put(place);
                (place, true)
            }
        };
        Verdict::Stored { index: place.index, text: Arc::clone(place.text), is_new }
    }
}

/// Whether a retry tells of what is in the log already: only the permit and the times of the
/// attempt may differ.  Who received, from whom, on which basis and what must be the same, or
/// somebody would be handed a receipt for another's act.
fn is_same_act(stored: &Entry, retry: &Entry) -> bool {
    let retry = Entry {
        permit: stored.permit.clone(),
        asked_at_unix_s: stored.asked_at_unix_s,
        decided_at_unix_ms: stored.decided_at_unix_ms,
        ..retry.clone()
    };
    *stored == retry
}
