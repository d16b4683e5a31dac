//! All SQL of the intake: devices are added and revoked, captures come and go.

mod capture;
mod device;
mod schema;

use service::ApiError;

pub(crate) use self::capture::{NewCapture, fetch, forget, insert, last_seq, waiting};
pub(crate) use self::device::{Known, keep, known};

/// A statement's failure as the caller's error; the engine's words end here.
fn failed(error: diesel::result::Error) -> ApiError {
    db::DbError::from(error).into()
}

/// A row that cannot be read back is a fault of ours.
fn broken_row() -> ApiError {
    ApiError::new(&service::problems::INTERNAL)
}
