//! One batch in one transaction: what is new is added, what is known is found again.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use ledger::Batch;
use wire::provision_log::{Act, Entry};

use crate::append::AppendError;
use crate::candidate::{Candidate, Digest, Leaf};
use crate::head::{Head, Keeper};
use crate::store::{self, StoreError};

/// What became of one candidate.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It stands at this index, in these bytes.
    Stored {
        index: u64,
        text: Arc<str>,
    },
    /// It is to stand at this index.
    New {
        index: u64,
        leaf: Leaf,
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
    /// When all of the batch is logged, and the month of that.
    pub(crate) logged_at_unix_ms: i64,
    pub(crate) segment: i32,
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
        let mut places = Places::of(known, tree.size(), self.logged_at_unix_ms)?;
        let verdicts: Vec<_> = candidates.iter().map(|one| places.judge(one)).collect();
        let judged = candidates.iter().zip(&verdicts);
        let fresh: Vec<(&Candidate, Leaf)> = judged
            .filter_map(|(candidate, verdict)| match verdict {
                Verdict::New { leaf, .. } => Some((candidate, leaf.clone())),
                _ => None,
            })
            .collect();
        if fresh.is_empty() {
            return Ok(Written { verdicts, grown: None });
        }
        let batch = tree.stage(fresh.iter().map(|(_, leaf)| leaf.hash));
        let (checkpoint, note) = self.keeper.checkpoint(batch.tree());
        store::insert_entries(tx, (batch.first_index(), self.segment), &fresh)?;
        store::insert_tiles(tx, batch.tiles())?;
        store::insert_checkpoint(tx, &checkpoint, &note, self.logged_at_unix_ms)?;
        Ok(Written { verdicts, grown: Some((batch, note)) })
    }
}

/// What may stand in the log only once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Permit(Digest),
    SettledInquiry(Digest),
}

impl Key {
    /// What the caller did wrong who uses a key twice for different things.
    fn refusal(self) -> AppendError {
        match self {
            Self::Permit(_) => AppendError::PermitReused,
            Self::SettledInquiry(_) => AppendError::AlreadySettled,
        }
    }
}

fn keys(permit: Option<Digest>, settled: Option<Digest>) -> impl Iterator<Item = Key> {
    permit.map(Key::Permit).into_iter().chain(settled.map(Key::SettledInquiry))
}

/// Where an entry stands, or will stand, and what it tells.
#[derive(Clone)]
struct Place<'a> {
    index: u64,
    /// `None` if the body has been destroyed: nobody gets a receipt for that any more.
    told: Option<(&'a Act, Arc<str>)>,
}

/// The entries of the database that matter here, then those of this batch as they are taken in.
struct Places<'a> {
    by_key: HashMap<Key, Place<'a>>,
    next_index: u64,
    logged_at_unix_ms: i64,
}

impl<'a> Places<'a> {
    fn of(
        known: &'a [store::Known],
        size: u64,
        logged_at_unix_ms: i64,
    ) -> Result<Self, StoreError> {
        // Written by somebody else since we last looked: our tree cannot prove it.
        if known.iter().any(|one| one.index >= size) {
            return Err(StoreError::Behind);
        }
        let mut by_key = HashMap::new();
        for store::Known { index, permit, settled, told } in known {
            let told = told.as_ref().map(|(act, text)| (act, Arc::clone(text)));
            let place = Place { index: *index, told };
            by_key.extend(keys(*permit, *settled).map(|key| (key, place.clone())));
        }
        Ok(Self { by_key, next_index: size, logged_at_unix_ms })
    }

    fn judge(&mut self, candidate: &'a Candidate) -> Verdict {
        let own = || keys(Some(candidate.permit), candidate.settled);
        let earlier = own().find_map(|key| Some((key, self.by_key.get(&key)?)));
        match earlier {
            None => self.take(candidate, own()),
            Some((_, Place { told: None, .. })) => Verdict::Refused(AppendError::AlreadySettled),
            Some((_, Place { index, told: Some((act, text)) }))
                if is_same_act(act, &candidate.act) =>
            {
                Verdict::Stored { index: *index, text: Arc::clone(text) }
            }
            Some((key, _)) => Verdict::Refused(key.refusal()),
        }
    }

    fn take(&mut self, candidate: &'a Candidate, keys: impl Iterator<Item = Key>) -> Verdict {
        let (index, leaf) = (self.next_index, candidate.leaf(self.logged_at_unix_ms));
        let place = Place { index, told: Some((&candidate.act, Arc::clone(&leaf.text))) };
        self.by_key.extend(keys.map(|key| (key, place.clone())));
        self.next_index += 1;
        Verdict::New { index, leaf }
    }
}

/// Whether a retry tells of what is in the log already: only the permit and the times of the
/// attempt may differ.  Who received, from whom, on which basis and what must be the same, or
/// somebody would be handed a receipt for another's act.
fn is_same_act(stored: &Act, retry: &Act) -> bool {
    match (stored, retry) {
        (Act::Outcome(stored), Act::Outcome(retry)) => {
            let retry = Entry {
                permit: stored.permit.clone(),
                asked_at_unix_s: stored.asked_at_unix_s,
                decided_at_unix_ms: stored.decided_at_unix_ms,
                ..retry.clone()
            };
            *stored == retry
        }
        (stored, retry) => stored == retry,
    }
}
