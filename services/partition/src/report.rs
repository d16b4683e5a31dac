//! A month's inspections, and how often each operator asked, for a supervisor (C107, C115).

use db::Tx;
use domain::law::JST;
use domain::retention::Segment;
use domain::review::Kind;
use domain::{Action, Permit};
use service::ApiError;
use std::collections::BTreeMap;
use wire::partition::{InspectionReport, ListPage, OperatorSummary, SignedInspection};

use room::Host;
use room::operation_log::{About, entry, unix_ms};
use room::{problems, store};

const PAGE_LINES: u16 = 1_000;

/// Reading is an act and is logged before anything is shown.
pub(crate) async fn report(
    host: &Host,
    permit: Permit,
    month: i32,
) -> Result<InspectionReport, ApiError> {
    permit.expect_action(Action::InspectOperations)?;
    let room = host.room(permit.municipality())?;
    let times = times(month).ok_or_else(|| ApiError::field("month"))?;
    let keys = room.keys()?;
    let read = move |tx: &mut Tx, permit: &Permit| {
        let inspections = store::inspection::list(tx, &keys, permit, month)?;
        let mut operators = count(tx, permit, times)?;
        let findings = inspections.iter().flat_map(|(inspection, _)| &inspection.findings);
        findings.for_each(|found| summary(&mut operators, &found.operator).findings += 1);
        let held = store::operator_hold::list(tx, permit)?;
        let inspections: Vec<SignedInspection> =
            inspections.into_iter().map(|(_, signed)| signed).collect();
        let operators = operators.into_values().collect();
        Ok(InspectionReport { month, inspections, operators, held })
    };
    let report = host.read("partition.report", &permit, read).await?;
    room.queue.add(entry(&permit, About::default(), "read")).await?;
    Ok(report)
}

/// Begin and end of a month in Japan, in milliseconds since 1970.
fn times(month: i32) -> Option<(i64, i64)> {
    let month = Segment::try_from(month).ok()?;
    let begin = month.first_day().midnight().assume_offset(JST);
    Some((unix_ms(begin), month.end_unix_s().saturating_mul(1_000)))
}

type Operators = BTreeMap<String, OperatorSummary>;

fn summary<'a>(operators: &'a mut Operators, operator: &str) -> &'a mut OperatorSummary {
    operators.entry(operator.to_owned()).or_insert_with(|| OperatorSummary {
        operator: operator.to_owned(),
        inquiries: 0,
        refused: 0,
        findings: 0,
    })
}

/// How often each operator asked and was refused, from begin to end.
fn count(tx: &mut Tx, permit: &Permit, (begin, end): (i64, i64)) -> Result<Operators, ApiError> {
    let mut operators = Operators::new();
    let mut from = store::operation::first_since(tx, permit, begin)?;
    let to = store::operation::first_since(tx, permit, end.saturating_add(HOUR_MS))?;
    while from < to {
        let page = ListPage { from, limit: PAGE_LINES };
        for line in store::operation::list(tx, permit, &page)? {
            if (begin..end).contains(&line.entry.at_unix_ms) {
                let summary = summary(&mut operators, &line.entry.actor);
                summary.inquiries += u64::from(line.entry.kind() == Some(Kind::Asked));
                summary.refused += u64::from(problems::is_code(&line.entry.result));
            }
        }
        from = from.saturating_add(u64::from(PAGE_LINES));
    }
    Ok(operators)
}

/// Later than any line of the month was written.
const HOUR_MS: i64 = 60 * 60 * 1_000;
