//! A file as a stream, part by part, in memory that is wiped.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use service::{ApiError, problems as common};
use zeroize::Zeroizing;

use super::job::Job;

pub(super) struct Parts<'a> {
    job: &'a Job,
    next: i32,
    current: Zeroizing<Vec<u8>>,
    at: usize,
    read_bytes: Rc<Cell<u64>>,
}

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parts(before {})", self.next)
    }
}

impl<'a> Parts<'a> {
    pub(super) fn new(job: &'a Job) -> Self {
        Self { job, next: 0, current: Zeroizing::default(), at: 0, read_bytes: Rc::default() }
    }

    /// How many bytes have been taken; goes on counting.
    pub(super) fn progress(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.read_bytes)
    }
}

impl BufRead for Parts<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.current.len() && self.next < self.job.file.next_part {
            self.current = self.job.part(self.next).map_err(io::Error::other)?;
            self.next += 1;
            self.at = 0;
        }
        Ok(self.current.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
        let taken = u64::try_from(bytes).unwrap_or_default();
        self.read_bytes.set(self.read_bytes.get().saturating_add(taken));
    }
}

impl Read for Parts<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?.read(into)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

/// Why a part could not be read.
pub(super) fn cause(error: io::Error) -> ApiError {
    match error.downcast::<ApiError>() {
        Ok(error) => error,
        Err(error) => ApiError::caused(&common::INTERNAL, error),
    }
}
