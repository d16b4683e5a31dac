//! The check of a room's operation log for misuse (C106, C107): on schedule, and when a supervisor
//! asks for it.
//!
//! Reads the lines since the last check, together with as many before them as the rules look back,
//! and proves that they are the lines that were written.  The signed record, the line about the
//! check and the operators it stops become durable together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crypto::{Purpose, RoomKeys};
use db::Tx;
use domain::retention::{Segment, segment_of};
use domain::review::{Finding, Kind, Known, Line, Rules, Since, review};
use domain::subject::SubjectId;
use domain::{Action, Permit};
use ledger::{Hash, Tree};
use service::{ApiError, problems as common};
use wire::Base64Bytes;
use wire::partition::{self as api, IndexedOperation, ListPage, SignedInspection};

use room::Room;
use room::host::{Host, room_key};
use room::operation_log::{About, entry, unix_ms};
use room::{problems, store};

const PAGE_LINES: u16 = 1_000;
/// A room in which nothing happens is still checked once a day.
const QUIET_MS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// Runs for as long as the service lives.
pub(crate) async fn run(host: Arc<Host>) {
    let every = Duration::from_secs(host.review.every_s.max(1));
    loop {
        tokio::time::sleep(every).await;
        for room in host.open_rooms() {
            let permit = host.job(Action::ReviewOperations, room);
            let inspected = match permit {
                Ok(permit) => check(&host, room, permit).await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = inspected {
                let code = error.kind().code;
                tracing::error!(code, municipality = %room.municipality, "log not inspected");
            }
        }
    }
}

/// Checks now.
pub(crate) async fn inspect(host: &Host, permit: Permit) -> Result<SignedInspection, ApiError> {
    permit.expect_action(Action::InspectOperations)?;
    let room = host.room(permit.municipality())?;
    check(host, &room, permit).await?.ok_or_else(|| ApiError::new(&common::INTERNAL))
}

/// Checks what is new; nothing where a job finds only the traces of its last run.
async fn check(
    host: &Host,
    room: &Room,
    permit: Permit,
) -> Result<Option<SignedInspection>, ApiError> {
    let rules = Arc::new(host.review.rules.clone());
    loop {
        let (keys, rules) = (room.keys()?, Arc::clone(&rules));
        let read = move |tx: &mut Tx, permit: &Permit| read(tx, &keys, permit, &rules);
        let read = host.read("partition.inspect", &permit, read).await?;
        if read.is_quiet && permit.action() == Action::ReviewOperations {
            return Ok(None);
        }
        // Somebody else's check came first: what is new is now less.
        if let Some(signed) = write(room, &permit, read).await? {
            return Ok(Some(signed));
        }
    }
}

/// What an inspection says, before it is signed.
struct Read {
    inspection: api::Inspection,
    is_quiet: bool,
}

fn read(tx: &mut Tx, keys: &RoomKeys, permit: &Permit, rules: &Rules) -> Result<Read, ApiError> {
    let now_unix_ms = unix_ms(permit.context().at);
    let room = room_key(permit.municipality())?;
    let last = store::inspection::last(tx, keys, permit)?;
    let since = Since {
        sequence: last.as_ref().map_or(0, |last| last.to_sequence),
        last_unix_ms: last.as_ref().map_or(i64::MIN, |last| last.inspected_at_unix_ms),
        now_unix_ms,
    };
    let (to, root) = store::operation::last(tx, room)?.unwrap_or((0, ledger::EMPTY_ROOT));
    let tree = match &last {
        Some(last) => {
            let root = last.root.parse().map_err(|_| ApiError::new(&common::INTERNAL))?;
            match store::operation::tree(tx, room, (since.sequence, root)) {
                Err(error) if error.kind() == &problems::ROOM_CLOSED => None,
                tree => Some(tree?),
            }
        }
        None => Some(Tree::new()),
    };
    let mut new = New { since, tree, is_quiet: true, lines: Vec::new() };
    new.read(tx, permit, (rules.reach_ms(), to))?;
    let known = new.known(tx, keys, permit, rules)?;
    let mut findings = review(rules, since, &new.lines, &known);
    findings.extend(new.altered(to, root));
    let inspection = api::Inspection {
        municipality: permit.municipality(),
        from_sequence: since.sequence,
        to_sequence: to,
        root: root.to_string(),
        inspected_at_unix_ms: now_unix_ms,
        findings: findings.into_iter().map(told).collect(),
    };
    let is_recent = now_unix_ms.saturating_sub(since.last_unix_ms) < QUIET_MS_MAX;
    let is_quiet = new.is_quiet && is_recent && inspection.findings.is_empty();
    Ok(Read { inspection, is_quiet })
}

/// Lines on their way to the rules.
struct New {
    since: Since,
    /// Grows by the lines that are new, if the stored hashes are those of the last inspection.
    tree: Option<Tree>,
    is_quiet: bool,
    lines: Vec<Line>,
}

impl New {
    /// Page by page, of which only what the rules need is kept.
    fn read(
        &mut self,
        tx: &mut Tx,
        permit: &Permit,
        (reach_ms, to): (i64, u64),
    ) -> Result<(), ApiError> {
        let oldest = store::operation::time_of(tx, permit, self.since.sequence)?;
        let oldest = oldest.unwrap_or(i64::MAX);
        let begin = oldest.min(self.since.now_unix_ms).saturating_sub(reach_ms);
        let mut from = store::operation::first_since(tx, permit, begin)?.min(self.since.sequence);
        while from < to {
            let page = ListPage { from, limit: PAGE_LINES };
            for (sequence, body) in store::operation::read(tx, permit, &page)? {
                // What cannot be read was altered, and the tree says so.
                let line = store::operation::indexed(sequence, &body).ok();
                if sequence >= self.since.sequence {
                    let hash = ledger::leaf_hash(&body);
                    self.tree.iter_mut().for_each(|tree| drop(tree.append(hash)));
                    let act = line.as_ref().map(|line| line.entry.act.as_str());
                    self.is_quiet &= act == Some("ReviewOperations");
                }
                self.lines.extend(line.and_then(IndexedOperation::line));
            }
            from = from.saturating_add(u64::from(PAGE_LINES));
        }
        Ok(())
    }

    /// What the room knows of those who were asked about lately.
    fn known(
        &self,
        tx: &mut Tx,
        keys: &RoomKeys,
        permit: &Permit,
        rules: &Rules,
    ) -> Result<HashMap<SubjectId, Known>, ApiError> {
        let new = self.lines.iter().find(|line| line.sequence >= self.since.sequence);
        let Some(new) = new else { return Ok(HashMap::new()) };
        let begin = new.at_unix_ms.saturating_sub(rules.known_reach_ms());
        let asked = self.lines.iter().filter(|line| line.kind == Kind::Asked);
        let mut known = HashMap::new();
        for subject in asked.filter(|line| line.at_unix_ms >= begin).filter_map(|l| l.subject) {
            if !known.contains_key(&subject)
                && let Some(person) = store::subject::known(tx, keys, permit, subject)?
            {
                known.insert(subject, person);
            }
        }
        Ok(known)
    }

    /// Lines that are not those that were hashed when they were written.
    fn altered(&self, to: u64, root: Hash) -> Option<Finding> {
        let from = self.since.sequence;
        let is_whole =
            self.tree.as_ref().is_some_and(|tree| (tree.size(), tree.root()) == (to, root));
        (!is_whole).then(|| Finding {
            rule: "altered-log",
            operator: "-".to_owned(),
            explanation: format!(
                "操作ログの{from}番から{to}番の前までの内容、またはそれより前のハッシュ値が、\
                 書き込まれた時のものと一致しません。データベースが直接変更されていないか、\
                 運用事業者に確認してください。"
            ),
            sequences: vec![from],
            held: false,
        })
    }
}

fn told(finding: Finding) -> api::Finding {
    let Finding { rule, operator, explanation, sequences, held } = finding;
    api::Finding { rule: rule.to_owned(), operator, explanation, sequences, held }
}

/// Signs and keeps the inspection, unless another one came first.
async fn write(
    room: &Room,
    permit: &Permit,
    read: Read,
) -> Result<Option<SignedInspection>, ApiError> {
    let (inspection, permit) = (read.inspection, permit.clone());
    let text = serde_json::to_string(&inspection);
    let text = text.map_err(|error| ApiError::caused(&common::INTERNAL, error))?;
    let signature = room.keys()?.sign(Purpose::Inspection, text.as_bytes()).to_bytes().to_vec();
    let signed = SignedInspection { inspection: text, signature: Base64Bytes(signature) };
    let keys = room.keys()?;
    room.queue
        .write(move |tx, acts| {
            let last = store::inspection::last(tx, &keys, &permit)?;
            if last.map_or(0, |last| last.to_sequence) != inspection.from_sequence {
                return Ok(None);
            }
            let month = segment_of(inspection.inspected_at_unix_ms).map_or(0, Segment::number);
            let place = (inspection.to_sequence, month);
            store::inspection::insert(tx, &permit, place, &signed)?;
            for found in inspection.findings.iter().filter(|found| found.held) {
                let word = (found.operator.as_str(), true);
                store::operator_hold::set(tx, &permit, word, &found.rule)?;
            }
            acts.add(entry(&permit, About::default(), "inspected"));
            Ok(Some(signed.clone()))
        })
        .await
}
