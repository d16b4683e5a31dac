//! All SQL of the partition.
//!
//! Invariant: every function takes a permit or, for the room's own log, the municipality of its
//! writer; every statement filters by it.  On PostgreSQL row-level security says the same again.

pub mod batch;
pub mod batch_row;
pub mod capture;
pub mod device;
pub mod exported;
pub mod held;
pub mod inquiry;
pub mod inspection;
pub mod likeness;
pub mod many;
pub mod notice_in;
pub mod notice_out;
pub mod operation;
pub mod operator_hold;
pub mod provision;
pub mod raw;
pub mod reconciliation;
pub mod reseal;
pub mod schema;
pub mod subject;
pub mod vaccination;
pub mod voucher;
pub mod witness;

use db::DbError;
use service::{ApiError, problems};
use uuid::Uuid;

/// A statement's failure as the caller's error; the engine's words end here.
pub fn failed(error: diesel::result::Error) -> ApiError {
    DbError::from(error).into()
}

/// A row that cannot be read back is a fault of ours, never "nothing".
pub fn broken_row() -> ApiError {
    ApiError::new(&problems::INTERNAL)
}

pub fn read_uuid(bytes: &[u8]) -> Result<Uuid, ApiError> {
    Uuid::from_slice(bytes).map_err(|_| broken_row())
}

fn notice_kind(text: &str) -> Result<domain::NoticeKind, ApiError> {
    let mut kinds = domain::NoticeKind::ALL.into_iter();
    kinds.find(|kind| kind.as_str() == text).ok_or_else(broken_row)
}
