//! What files and captures say of a person, for that person's request: rows that wait for people or
//! for the approval of their file, and what was found when a file was compared.
//!
//! Somebody who is not in the register may stand here all the same.

use crypto::RoomKeys;
use db::Tx;
use domain::subject::SubjectId;
use domain::{IndividualNumber, Permit};
use room::store::subject::Found;
use room::store::vaccination::Held;
use room::store::voucher::Issued;
use service::ApiError;
use uuid::Uuid;
use wire::exports::{DisclosedDoubt, FileFinding};

use crate::store::about as store;

/// Whom it is about: a number, and the handle of whoever has it in the register.
#[derive(Clone, Copy, Debug)]
pub struct Whom<'a> {
    pub number: &'a IndividualNumber,
    pub subject: Option<SubjectId>,
}

#[derive(Debug, Default)]
pub struct Said {
    pub doubtful: Vec<DisclosedDoubt>,
    pub waiting: Vec<Waiting>,
    pub findings: Vec<FileFinding>,
}

impl Said {
    pub fn is_empty(&self) -> bool {
        self.doubtful.is_empty() && self.waiting.is_empty() && self.findings.is_empty()
    }
}

/// Rows of one file that become the register's if it is approved.
#[derive(Debug)]
pub struct Waiting {
    pub import: Uuid,
    pub uploaded_at_unix_ms: i64,
    pub entry: Vec<Found>,
    pub doses: Vec<Held>,
    pub vouchers: Vec<Issued>,
}

/// All of it; `None` if it is too much to show.
pub fn said(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    whom: Whom<'_>,
) -> Result<Option<Said>, ApiError> {
    let mut handles = store::staged_as(tx, keys, permit, whom.number)?;
    handles.extend(whom.subject);
    let Some(doubtful) = store::doubtful(tx, keys, permit, whom)? else { return Ok(None) };
    let Some(waiting) = store::waiting(tx, keys, permit, &handles)? else { return Ok(None) };
    let mut about: Vec<Uuid> = handles.iter().map(|id| id.0).collect();
    if let Some(subject) = whom.subject {
        about.extend(store::doses(tx, permit, subject)?);
    }
    let Some(findings) = store::findings(tx, permit, &about)? else { return Ok(None) };
    Ok(Some(Said { doubtful, waiting, findings }))
}
