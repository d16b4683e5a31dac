//! What authentic bodies say: whether they are as the format has it, and the orders among them.

use domain::retention::segment_of;
use uuid::Uuid;
use wire::provision_log::{Act, Entry, LeafBody};

use crate::findings::{Findings, Kind};
use crate::order::{OpenedOrder, Order, OrderError};
use crate::source::{Listed, StoredBody};
use crate::unique::Unique;
use crate::verify::Trust;
use ledger::NoteError;

const COMMITMENT_BYTES: usize = 32;
const BODY_BYTES_MAX: usize = 65_535;

/// Reads every authentic body once.
pub(crate) struct Bodies<'t> {
    trust: &'t Trust,
    pub(crate) count: u64,
    pub(crate) orders: Vec<FoundOrder>,
    pub(crate) unique: Option<Unique>,
}

/// An order in the log.
pub(crate) struct FoundOrder {
    pub(crate) index: u64,
    pub(crate) logged_at_unix_ms: i64,
    /// `None` if no custodian's signature holds.
    pub(crate) opened: Option<OpenedOrder>,
}

/// A body breaks section 2 of the format.
struct Malformed(&'static str);

impl<'t> Bodies<'t> {
    pub(crate) fn new(trust: &'t Trust, is_thorough: bool) -> Self {
        let unique = is_thorough.then(Unique::default);
        Self { trust, count: 0, orders: Vec::new(), unique }
    }

    /// Takes in a body that is the one that was hashed.
    pub(crate) fn take(&mut self, stored: &StoredBody, findings: &mut Findings) {
        self.count += 1;
        self.read(stored, findings);
    }

    fn read(&mut self, stored: &StoredBody, findings: &mut Findings) {
        let StoredBody { index, body, listed } = stored;
        let read = match read(body) {
            Ok(read) => read,
            Err(Malformed(detail)) => return findings.one(Kind::Malformed, *index, detail),
        };
        if listed.as_ref().is_some_and(|listed| !is_listed_right(listed, &read)) {
            findings.one(Kind::Moved, *index, "the database lists the entry as another's");
        }
        match read.act {
            Act::Outcome(entry) => {
                if let Some(unique) = &mut self.unique {
                    unique.take(*index, &entry);
                }
            }
            Act::Order(order) => {
                let LeafBody { logged_at_unix_ms, .. } = read;
                let opened = self.open(&order.note);
                if let Err(Malformed(detail)) = opened {
                    findings.one(Kind::Malformed, *index, detail);
                }
                let opened = opened.ok().flatten();
                self.orders.push(FoundOrder { index: *index, logged_at_unix_ms, opened });
            }
        }
    }

    /// Takes in orders that were found where they do not belong.
    pub(crate) fn take_displaced(&mut self, orders: Vec<(u64, Vec<u8>)>, findings: &mut Findings) {
        for (index, body) in orders {
            self.read(&StoredBody { index, body, listed: None }, findings);
        }
        self.orders.sort_by_key(|order| order.index);
    }

    fn open(&self, note: &str) -> Result<Option<OpenedOrder>, Malformed> {
        match Order::open(note, &self.trust.origin, &self.trust.custodians) {
            Ok(opened) => Ok(Some(opened)),
            // Who was given no custodian's key can't say anything about orders.
            Err(OrderError::Note(NoteError::UnknownKeys)) if self.trust.custodians.is_empty() => {
                Ok(None)
            }
            Err(_) => Err(Malformed("the order is not one that a custodian signed")),
        }
    }
}

/// Reads a body by section 2 of the format.
fn read(body: &[u8]) -> Result<LeafBody, Malformed> {
    if body.len() > BODY_BYTES_MAX || body.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err(Malformed("the body is too long or has line breaks"));
    }
    let read: LeafBody = serde_json::from_slice(body)
        .map_err(|_| Malformed("the body is not as the format says"))?;
    if segment_of(read.logged_at_unix_ms).is_none() {
        return Err(Malformed("the time of logging is in no calendar"));
    }
    if let Act::Outcome(entry) = &read.act {
        check_outcome(entry)?;
    }
    Ok(read)
}

fn check_outcome(entry: &Entry) -> Result<(), Malformed> {
    if permit_id(entry).is_none() {
        return Err(Malformed("the permit is not an id"));
    }
    let commitment = entry.commitment.as_ref().map(|bytes| bytes.0.len());
    let expected = entry.outcome.provides().then_some(COMMITMENT_BYTES);
    if commitment != expected {
        return Err(Malformed("a commitment is missing, too much or not 32 bytes"));
    }
    if entry.reason.is_some() != entry.outcome.has_reason() {
        return Err(Malformed("a reason is missing or too much"));
    }
    Ok(())
}

pub(crate) fn permit_id(entry: &Entry) -> Option<Uuid> {
    let is_hyphenated = entry.permit.len() == uuid::fmt::Hyphenated::LENGTH;
    Uuid::try_parse(&entry.permit).ok().filter(|_| is_hyphenated)
}

fn is_listed_right(listed: &Listed, read: &LeafBody) -> bool {
    let segment = segment_of(read.logged_at_unix_ms).map(|segment| segment.number());
    let (inquirer, provider) = match &read.act {
        Act::Outcome(entry) => (Some(entry.inquirer.as_str()), Some(entry.provider.as_str())),
        Act::Order(_) => (None, None),
    };
    let is_order = matches!(read.act, Act::Order(_));
    Some(listed.segment) == segment
        && listed.is_order == is_order
        && listed.inquirer.as_deref() == inquirer
        && listed.provider.as_deref() == provider
}
