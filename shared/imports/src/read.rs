//! Shows how a file stands: its counts, its differences, its problems.

use std::fmt::Write as _;

use db::Tx;
use domain::{Action, Permit};
use room::Host;
use room::operation_log::entry;
use service::{ApiError, problems as common};
use uuid::Uuid;
use wire::imports::{ImportState, Imports, Problems, ReadProblems};

use crate::open::about;
use crate::reason::told;
use crate::report::FINDINGS_MAX;
use crate::store;
use crate::store::file::File;
use crate::store::finding::Finding;

const LISTED_MAX: i64 = 100;
const PAGE_MAX: u16 = 1_000;

pub async fn read(host: &Host, permit: Permit, import: Uuid) -> Result<ImportState, ApiError> {
    permit.expect_action(Action::PrepareImport)?;
    let room = host.room(permit.municipality())?;
    let find = move |tx: &mut Tx, permit: &Permit| store::file::find(tx, permit, import);
    let file = host.read("imports.read", &permit, find).await?;
    let result = if file.is_some() { "read" } else { common::NOT_FOUND.code };
    room.queue.add(entry(&permit, about(import), result)).await?;
    file.map(File::state).ok_or_else(|| ApiError::new(&common::NOT_FOUND))
}

pub(crate) async fn list(host: &Host, permit: Permit) -> Result<Imports, ApiError> {
    permit.expect_action(Action::PrepareImport)?;
    let room = host.room(permit.municipality())?;
    let list = |tx: &mut Tx, permit: &Permit| store::file::list(tx, permit, LISTED_MAX);
    let files = host.read("imports.list", &permit, list).await?;
    room.queue.add(entry(&permit, room::operation_log::About::default(), "listed")).await?;
    Ok(Imports { imports: files.into_iter().map(File::state).collect() })
}

/// The rows that come back to the sender, as a table that a spreadsheet shows.
pub async fn problems(
    host: &Host,
    permit: Permit,
    request: ReadProblems,
) -> Result<Problems, ApiError> {
    permit.expect_action(Action::PrepareImport)?;
    let room = host.room(permit.municipality())?;
    let ReadProblems { import, from, limit } = request;
    if limit == 0 || limit > PAGE_MAX {
        return Err(ApiError::field("limit"));
    }
    let first = i64::try_from(from).map_err(|_| ApiError::field("from"))?;
    let read = move |tx: &mut Tx, permit: &Permit| {
        let Some(file) = store::file::find(tx, permit, import)? else { return Ok(None) };
        Ok(Some((file, store::finding::read(tx, permit, import, (first, limit))?)))
    };
    let found = host.read("imports.problems", &permit, read).await?;
    let result = if found.is_some() { "problems read" } else { common::NOT_FOUND.code };
    room.queue.add(entry(&permit, about(import), result)).await?;
    let (file, findings) = found.ok_or_else(|| ApiError::new(&common::NOT_FOUND))?;
    let is_full = findings.len() == usize::from(limit);
    Ok(Problems {
        csv: csv(&findings, from == 0),
        next: is_full.then(|| from.saturating_add(u64::from(limit))),
        is_complete: file.report.findings <= FINDINGS_MAX,
    })
}

/// Numbers, handles and our own words, none of which needs quotes.
fn csv(findings: &[Finding], has_head: bool) -> String {
    let mut text = String::new();
    if has_head {
        // The mark tells the spreadsheet that this is UTF-8.
        text.push_str("\u{FEFF}行,列,理由コード,理由,次にすること,登録の識別子\n");
    }
    for Finding { line, column, reason, about } in findings {
        let line = line.map(|line| line.to_string()).unwrap_or_default();
        let column = column.as_deref().unwrap_or_default();
        let about = about.map(|about| about.to_string()).unwrap_or_default();
        let (words, next_step) = told(reason).map_or(("", ""), |told| (told.text, told.next_step));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line},{column},{reason},{words},{next_step},{about}");
    }
    text
}
