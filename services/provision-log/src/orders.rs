//! Verb: take in an order of the custodians, if it is lawful (docs/LOG_FORMAT.md §7).
//!
//! The service writes orders down and does nothing else about them: what an order destroys, the
//! owner of the tables destroys by hand.

use std::ops::Range;

use audit::{BodyFacts, EntryFacts, Facts, OpenedOrder, OrderAct, OrderError, Orders, Unlawful};
use db::Tx;
use domain::retention::{RetentionRules, segment_of};
use service::ApiError;
use wire::provision_log::{Act, LeafBody, Receipt, SignedOrder};

use crate::candidate::Candidate;
use crate::head::Keeper;
use crate::log::Log;
use crate::problems::{PERMIT_REUSED, UNLAWFUL_ORDER};
use crate::store::{self, StoreError};

/// Entries whose bodies are in memory at once.
const CHUNK: u64 = 256;

impl Log {
    /// Answers once the order is durable and counts; sent again, it is answered with the same entry.
    pub async fn order(&self, sent: SignedOrder) -> Result<Receipt, ApiError> {
        let opened = self.keeper.open_order(&sent.note).map_err(unopened)?;
        let candidate = Candidate::order(opened.order.id, sent)?;
        let _turn = self.ordering.lock().await;
        let (index, now) = (self.head().tree.size(), self.now_unix_ms());
        let keeper = self.keeper.clone();
        let judge = move |tx: &mut Tx| judge(tx, &keeper, (index, now), &opened);
        match self.db.read("provision-log.judge", judge).await? {
            // Whether it is the same order the writer sees.
            Ok(()) | Err(Unlawful::Repeated) => {}
            Err(unlawful) => return Err(refused(unlawful)),
        }
        self.submit(candidate).await.map_err(|error| {
            let is_other = *error.kind() == PERMIT_REUSED;
            if is_other { refused(Unlawful::Repeated) } else { error }
        })
    }
}

/// Judges an order as the next entry of the log.
fn judge(
    tx: &mut Tx,
    keeper: &Keeper,
    (index, now_unix_ms): (u64, i64),
    opened: &OpenedOrder,
) -> Result<Result<(), Unlawful>, StoreError> {
    let mut orders = Orders::new(RetentionRules::shipped());
    for (index, body) in store::orders(tx)? {
        let LeafBody { logged_at_unix_ms, act: Act::Order(order) } = body else {
            return Err(StoreError::Damaged);
        };
        match keeper.open_order(&order.note) {
            Err(_) => orders.pass_over(index),
            // Entries that are gone cannot be judged again.
            Ok(earlier) if matches!(earlier.order.order, OrderAct::Destroy(_)) => {
                orders.recall(index, &earlier);
            }
            Ok(earlier) => {
                let facts = &mut StoredFacts { tx };
                // One that was unlawful then has no effect now.
                let _ = orders.accept(index, logged_at_unix_ms, &earlier, facts)?;
            }
        }
    }
    orders.accept(index, now_unix_ms, opened, &mut StoredFacts { tx })
}

struct StoredFacts<'t> {
    tx: &'t mut Tx,
}

impl Facts for StoredFacts<'_> {
    type Error = StoreError;

    fn entries(
        &mut self,
        range: Range<u64>,
        tell: &mut dyn FnMut(EntryFacts),
    ) -> Result<(), StoreError> {
        let mut from = range.start;
        while from < range.end {
            let to = from.saturating_add(CHUNK).min(range.end);
            for (leaf, body) in store::stored(self.tx, from..to)? {
                let body = body.map(|body| facts(&body)).transpose()?.flatten();
                tell(EntryFacts { leaf, body });
            }
            from = to;
        }
        Ok(())
    }

    fn smallest_cosigned_since(&mut self, unix_s: i64) -> Result<Option<u64>, StoreError> {
        store::smallest_cosigned_since(self.tx, unix_s.saturating_mul(1_000))
    }
}

fn facts(body: &[u8]) -> Result<Option<BodyFacts>, StoreError> {
    let body: LeafBody = serde_json::from_slice(body).map_err(|_| StoreError::Damaged)?;
    let Act::Outcome(entry) = body.act else { return Ok(None) };
    let segment = segment_of(body.logged_at_unix_ms).ok_or(StoreError::Damaged)?;
    let (inquirer, provider) = (entry.inquirer, entry.provider);
    Ok(Some(BodyFacts { segment, inquirer, provider }))
}

fn unopened(error: OrderError) -> ApiError {
    let part = match error {
        OrderError::Note(_) => "signatures",
        OrderError::WrongOrigin => "origin",
        OrderError::NotAnOrder => return ApiError::field("note"),
    };
    ApiError::caused(&UNLAWFUL_ORDER, error).about(part)
}

/// Names the part of the order that is at fault, and what would be right where that is known.
fn refused(unlawful: Unlawful) -> ApiError {
    let part = match unlawful {
        Unlawful::TooFewSignatures { needed, .. } => format!("signatures ({needed} needed)"),
        Unlawful::Repeated => "id".to_owned(),
        Unlawful::NoSuchHold => "hold".to_owned(),
        Unlawful::Ranges => "ranges".to_owned(),
        Unlawful::Held => "held".to_owned(),
        Unlawful::NoRule => "years".to_owned(),
        Unlawful::YearsTooFew { needed } => format!("years ({needed} needed)"),
        Unlawful::WrongLastDay { right } => format!("keptThrough ({right})"),
        Unlawful::TooEarly => "keptThrough (not over yet)".to_owned(),
        Unlawful::UnderHold { index } => format!("held (entry {index} is)"),
        Unlawful::DestroyedBefore { index } => format!("ranges (entry {index} is gone)"),
        Unlawful::OtherSegment { index } => format!("ranges (entry {index} is of another month)"),
        Unlawful::WrongCount { counted } => format!("bodies ({counted})"),
        Unlawful::WrongDigest => "digest".to_owned(),
        Unlawful::Younger { size } => format!("ranges (witnesses saw only {size} entries)"),
    };
    ApiError::caused(&UNLAWFUL_ORDER, unlawful).about(part)
}
