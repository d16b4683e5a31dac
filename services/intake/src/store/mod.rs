//! All SQL of the intake: devices are added and revoked, captures come and go, lines stay.

mod access;
mod capture;
mod device;
mod schema;

use service::ApiError;

#[cfg(test)]
pub(crate) use self::access::said;
pub(crate) use self::access::tell;
pub(crate) use self::capture::{NewCapture, fetch, forget, insert, last_seq, waiting};
pub(crate) use self::device::{Known, keep, known};

/// Rows in one statement: PostgreSQL takes 65,535 values.
const ROWS_MAX: usize = 1_000;

/// A statement's failure as the caller's error; the engine's words end here.
fn failed(error: diesel::result::Error) -> ApiError {
    db::DbError::from(error).into()
}

/// A row that cannot be read back is a fault of ours.
fn broken_row() -> ApiError {
    ApiError::new(&service::problems::INTERNAL)
}
