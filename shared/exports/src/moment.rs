//! The one moment that all pages of a file tell of.
//!
//! Invariant: a row belongs to the file if and only if its act was on record when the first page was
//! read.  A row carries the time at which its act was asked for, and so does the act's line in the
//! operation log: rows of the times of later lines are passed over.  Where such a time is also that of
//! an earlier line, nobody can tell, and the file is begun anew instead of being wrong.

use std::collections::HashSet;

use db::Tx;
use domain::{Action, Permit};
use room::host::room_key;
use room::operation_log::unix_ms;
use room::store::{broken_row, operation};
use serde::Deserialize;
use service::ApiError;
use uuid::Uuid;
use wire::exports::ExportPlace;
use wire::partition::ListPage;

use crate::problems::EXPORT_OUTDATED;

/// A file is fetched in this time, and while no more than this is done in the room.
const FETCHED_MS_MAX: i64 = 3_600_000;
const LINES_MAX: u64 = 100_000;
/// So many lines are read at once; an act that takes its time is looked for in so many.
const LINES_AT_ONCE: u16 = 10_000;

pub(crate) struct Moment {
    /// No act on record had been asked for after this.
    at_unix_ms: i64,
    /// How long the operation log was.
    operations: u64,
    /// When acts were asked for that came on record since then.
    later: HashSet<i64>,
    /// Those of them that may be times of acts which were on record, too.
    unclear: HashSet<i64>,
}

/// What is read of a line.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    at_unix_ms: i64,
    act: String,
}

impl Moment {
    /// Now for a first page, otherwise the moment of the first.
    pub(crate) fn of(
        tx: &mut Tx,
        permit: &Permit,
        place: Option<&ExportPlace>,
    ) -> Result<Self, ApiError> {
        let now = unix_ms(permit.context().at);
        let last = operation::last(tx, room_key(permit.municipality())?)?;
        let size = last.map_or(0, |(size, _)| size);
        let Some(place) = place else {
            let earlier = before(tx, permit, size)?;
            let at_unix_ms = earlier.iter().map(|line| line.at_unix_ms).fold(now, i64::max);
            return Ok(Self::new((at_unix_ms, size), &[], &[]));
        };
        let ExportPlace { at_unix_ms, operations, .. } = *place;
        let lines = size.checked_sub(operations).ok_or_else(|| ApiError::field("from"))?;
        if now.saturating_sub(at_unix_ms) > FETCHED_MS_MAX || lines > LINES_MAX {
            return Err(ApiError::new(&EXPORT_OUTDATED));
        }
        let later = between(tx, permit, (operations, size))?;
        let earlier = match later.iter().any(|line| line.at_unix_ms <= at_unix_ms) {
            true => before(tx, permit, operations)?,
            false => Vec::new(),
        };
        Ok(Self::new((at_unix_ms, operations), &earlier, &later))
    }

    /// From the newest lines before the moment and all since.
    fn new((at_unix_ms, operations): (i64, u64), earlier: &[Line], later: &[Line]) -> Self {
        // Of times before the newer half, a line may be further back than we look.
        let is_whole = earlier.len() < usize::from(LINES_AT_ONCE);
        let older = earlier.get(..earlier.len() / 2).filter(|_| !is_whole);
        let seen_since = older.and_then(|older| older.iter().map(|line| line.at_unix_ms).max());
        let earlier: HashSet<i64> = writers(earlier).collect();
        let later: HashSet<i64> = writers(later).collect();
        let is_unclear = |at: &&i64| {
            earlier.contains(at) || (**at <= at_unix_ms && seen_since.is_some_and(|s| **at <= s))
        };
        let unclear = later.iter().filter(is_unclear).copied().collect();
        Self { at_unix_ms, operations, later, unclear }
    }

    /// Whether what was written by an act of this time was on record at the moment.
    pub(crate) fn knows(&self, written_at_unix_ms: i64) -> Result<bool, ApiError> {
        if self.unclear.contains(&written_at_unix_ms) {
            return Err(ApiError::new(&EXPORT_OUTDATED));
        }
        Ok(!self.later.contains(&written_at_unix_ms))
    }

    pub(crate) fn operations(&self) -> u64 {
        self.operations
    }

    /// Where the next page begins.
    pub(crate) fn place(&self, after: Uuid) -> ExportPlace {
        ExportPlace { after, at_unix_ms: self.at_unix_ms, operations: self.operations }
    }
}

/// The times of acts that may have written something.
fn writers(lines: &[Line]) -> impl Iterator<Item = i64> {
    let exports = format!("{:?}", Action::ExportRecords);
    let reads = move |line: &&Line| line.act == exports || line.act.starts_with("Read");
    lines.iter().filter(move |line| !reads(line)).map(|line| line.at_unix_ms)
}

/// The newest lines of a log that was so long.
fn before(tx: &mut Tx, permit: &Permit, size: u64) -> Result<Vec<Line>, ApiError> {
    between(tx, permit, (size.saturating_sub(u64::from(LINES_AT_ONCE)), size))
}

fn between(
    tx: &mut Tx,
    permit: &Permit,
    (mut from, to): (u64, u64),
) -> Result<Vec<Line>, ApiError> {
    let mut lines = Vec::new();
    while from < to {
        let left = u16::try_from(to - from).unwrap_or(LINES_AT_ONCE);
        let page = ListPage { from, limit: left.min(LINES_AT_ONCE) };
        let rows = operation::read(tx, permit, &page)?;
        from = rows.last().ok_or_else(broken_row)?.0 + 1;
        for (_, body) in rows {
            lines.push(serde_json::from_slice(&body).map_err(|_| broken_row())?);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(times: &[i64]) -> Vec<Line> {
        let line = |at: &i64| Line { at_unix_ms: *at, act: "RegisterSubject".to_owned() };
        times.iter().map(line).collect()
    }

    #[test]
    fn what_came_on_record_later_is_passed_over() {
        let moment = Moment::new((100, 3), &lines(&[70, 90, 95]), &lines(&[80, 110]));
        for known in [70, 90, 95, 100, 105] {
            assert!(moment.knows(known).unwrap(), "{known}");
        }
        // Asked for before the moment, and on record after it.
        assert!(!moment.knows(80).unwrap() && !moment.knows(110).unwrap());
    }

    #[test]
    fn what_nobody_can_tell_is_said() {
        let moment = Moment::new((100, 3), &lines(&[70, 90]), &lines(&[90, 110]));
        assert_eq!(moment.knows(90).unwrap_err().kind().code, "export-outdated");
        assert!(!moment.knows(110).unwrap());
        let many: Vec<i64> = (0..i64::from(LINES_AT_ONCE)).collect();
        let moment = Moment::new((20_000, 15_000), &lines(&many), &lines(&[-1, 15_000]));
        assert_eq!(moment.knows(-1).unwrap_err().kind().code, "export-outdated");
        assert!(!moment.knows(15_000).unwrap());
    }

    #[test]
    fn who_only_reads_makes_nothing_unclear() {
        let mut read = lines(&[90]);
        "ExportRecords".clone_into(&mut read[0].act);
        let moment = Moment::new((100, 3), &lines(&[90]), &read);
        assert!(moment.knows(90).unwrap());
        assert!(Moment::new((100, 3), &read, &lines(&[95])).knows(90).unwrap());
    }
}
