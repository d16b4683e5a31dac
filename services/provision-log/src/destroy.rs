//! The owner's side of a destruction: bodies leave because an order in the log says so.
//!
//! Invariant: nothing is destroyed but what a lawful order names that stands in a sound log, proven
//! under its newest checkpoint.

use audit::{NoSlip, Slip, Trust, slip_to_carry_out};
use db::{DbError, DbUrl, Tx};

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
    #[error("the database")]
    Db(#[from] DbError),
    #[error(transparent)]
    NoSlip(#[from] NoSlip),
}

/// Destroys what the order says, with the rights of the owner of the tables.
///
/// Done again, it destroys nothing more and tries again to give the space back.
pub async fn destroy(owner: &DbUrl, order: &str, trust: Trust) -> Result<Destroyed, DestroyError> {
    let (url, order) = (owner.clone(), order.to_owned());
    db::as_owner(owner, move |tx| {
        let slip = slip_to_carry_out(&mut Database::open(&url)?, &order, &trust)?;
        carry_out(tx, &slip)
    })
    .await
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
    let bodies = u64::try_from(gone.len()).unwrap_or(u64::MAX);
    let (index, bytes_after) = (slip.index, store::bytes_of(tx, segment)?);
    Ok(Destroyed { index, bodies, bytes_before, bytes_after, is_given_back })
}
