//! The log's database without its service: a copy of a stopped server's file, or PostgreSQL as
//! whoever may read it.  Nothing is written.

use db::{DbError, DbUrl, Reader};

use crate::store::ReadAhead;

/// A database to be verified or exported.
#[derive(Debug)]
pub struct Database {
    pub(crate) reader: Reader,
    pub(crate) ahead: ReadAhead,
}

impl Database {
    /// Reads one unchanging state of the database.  Blocks; not for async code.
    pub fn open(url: &DbUrl) -> Result<Self, DbError> {
        Ok(Self { reader: Reader::open(url)?, ahead: ReadAhead::default() })
    }
}
