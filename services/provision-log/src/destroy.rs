//! The owner's side of a destruction: bodies leave because an order in the log says so.
//!
//! Invariant: nothing is destroyed but what a lawful order names that stands in a sound log, proven
//! under its newest checkpoint.

use audit::{Evidence, Extent, OpenedOrder, Order, Proven, Slip, Source, Stored, Survey, Trust};
use db::{DbError, DbUrl, Tx};
use wire::provision_log::{Act, LeafBody};

use crate::offline::Database;
use crate::store;

/// What a destruction has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Where the order stands in the log.
    pub index: u64,
    /// How many bodies were destroyed just now; none if they were gone already.
    pub bodies: u64,
    /// Bytes of the month on disk (of the whole file on SQLite).
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// `false` if the space could not be given back to the disk yet.
    pub is_given_back: bool,
}

/// Why nothing was destroyed.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the order: {0}")]
    Order(#[from] audit::OrderError),
    #[error(transparent)]
    Stored(#[from] audit::StoredError),
    #[error(transparent)]
    Survey(#[from] audit::SurveyError),
    #[error("the log is not sound: {0}")]
    Unsound(audit::Finding),
    #[error("the order is no destruction, or does not stand in the log")]
    NotInTheLog,
    #[error("the order is not lawful: {0}")]
    Unlawful(audit::Unlawful),
}

impl DestroyError {
    /// What to do now.
    pub fn next_step(&self) -> Option<&'static str> {
        Some(match self {
            Self::Db(_) => "is `owner_url` right?  It must be the owner of the tables",
            Self::Order(_) | Self::NotInTheLog => {
                "send the signed order to the log first: watari log submit"
            }
            Self::Stored(_) | Self::Survey(_) | Self::Unsound(_) => {
                "`watari log verify` says what is wrong; nothing is destroyed before it is clear"
            }
            Self::Unlawful(_) => "draft a new order: watari log plan",
        })
    }
}

/// Destroys what the order says, with the rights of the owner of the tables.
///
/// Done again, it destroys nothing more and tries again to give the space back.
pub async fn destroy(owner: &DbUrl, order: &str, trust: Trust) -> Result<Destroyed, DestroyError> {
    let order = Order::open(order, &trust.origin, &trust.custodians)?;
    let url = owner.clone();
    db::as_owner(owner, move |tx| {
        let slip = find(&mut Database::open(&url)?, &order, &trust)?;
        carry_out(tx, &slip)
    })
    .await
}

/// The order's own entry in the log, with the entries whose bodies it destroys.
fn find(source: &mut dyn Source, order: &OpenedOrder, trust: &Trust) -> Result<Slip, DestroyError> {
    let report = audit::verify(source, trust, Evidence::default(), &Extent::default());
    if let Some(finding) = report.findings.into_iter().next() {
        return Err(DestroyError::Unsound(finding));
    }
    let survey = Survey::of(source, trust)?;
    let slips = survey.orders.slips().iter().filter(|slip| slip.id == order.order.id);
    // A lawful one counts, however often it was repeated.
    let slip = slips.max_by_key(|slip| slip.verdict.is_ok()).cloned();
    let slip = slip.ok_or(DestroyError::NotInTheLog)?;
    slip.verdict.map_err(DestroyError::Unlawful)?;
    let receipt = Stored::open(source, trust)?.receipt(source, slip.index, None)?;
    Proven::open(&receipt, trust).map_err(|_| DestroyError::NotInTheLog)?;
    match serde_json::from_str::<LeafBody>(&receipt.entry).map(|body| body.act) {
        Ok(Act::Order(logged)) if is_same(order, &logged.note, trust) => Ok(slip),
        _ => Err(DestroyError::NotInTheLog),
    }
}

/// The file may carry more signatures than the log, or fewer; what is ordered must be the same.
fn is_same(order: &OpenedOrder, logged: &str, trust: &Trust) -> bool {
    Order::open(logged, &trust.origin, &trust.custodians)
        .is_ok_and(|logged| logged.order == order.order)
}

fn carry_out(tx: &mut Tx, slip: &Slip) -> Result<Destroyed, DestroyError> {
    let segment = slip.segment.number();
    let mut gone = store::outcomes_in(tx, segment)?;
    gone.retain(|index| slip.destroyed().any(|range| range.contains(index)));
    let bytes_before = store::bytes_of(tx, segment)?;
    if !gone.is_empty() {
        store::destroy(tx, segment, &gone)?;
    }
    let is_given_back = store::give_back(tx)?;
    Ok(Destroyed {
        index: slip.index,
        bodies: u64::try_from(gone.len()).unwrap_or(u64::MAX),
        bytes_before,
        bytes_after: store::bytes_of(tx, segment)?,
        is_given_back,
    })
}
