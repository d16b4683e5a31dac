//! All SQL of the provision log: it is added to and read; no function here changes or removes.

mod destroy;
mod read;
mod regain;
mod schema;
mod source;
mod write;

use db::{DbError, TxError};
use domain::Denied;
use ledger::InvalidTile;
use service::{ApiError, problems};

pub(crate) use self::destroy::{bytes_of, destroy, give_back, outcomes_in};
pub(crate) use self::read::{
    Known, end_of, entries_from, known_entries, last_note, orders, outcomes, settled,
    smallest_cosigned_since, stored, tile,
};
pub(crate) use self::regain::{
    Regained, RegainedBody, insert_regained, regain_checkpoint, regain_cosigned,
};
pub(crate) use self::source::ReadAhead;
pub(crate) use self::write::{
    insert_checkpoint, insert_cosigned, insert_entries, insert_tiles, open_segment,
};

/// Why the store has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("another writer has added to the log")]
    Behind,
    #[error("a stored row is missing or is not what was written")]
    Damaged,
}

impl TxError for StoreError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Denied(_) | Self::Behind | Self::Damaged => None,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Db(error) => error.into(),
            StoreError::Denied(error) => error.into(),
            StoreError::Behind => Self::caused(&problems::UNAVAILABLE, error),
            StoreError::Damaged => Self::caused(&problems::INTERNAL, error),
        }
    }
}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<InvalidTile> for StoreError {
    fn from(_: InvalidTile) -> Self {
        Self::Damaged
    }
}

/// An index of the log as the database counts.
fn to_seq(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn to_index(seq: i64) -> Result<u64, StoreError> {
    u64::try_from(seq).map_err(|_| StoreError::Damaged)
}
