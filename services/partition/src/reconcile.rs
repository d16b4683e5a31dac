//! Compares each room's records with the provision log: what one side has alone is named.
//!
//! A record younger than [`IN_FLIGHT_MS`] may still be on its way and is looked at again; so what
//! stays alone is found within a minute. What was compared once is compared again, a little in every
//! run, for ever: so a record that is taken away later is found as well.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Action, InquiryId, MunicipalityCode, NoticeId, Outcome, Permit};
use service::ApiError;
use wire::CallError;
use wire::partition::{OneSided, Reconciliation, Side};
use wire::provision_log::{IndexedEntry, LIST_LIMIT_MAX, ListOutcomes, OUTCOMES_LIST, Outcomes};

use room::Host;
use room::Room;
use room::operation_log::{About, entry};
use room::receipt::{self, unavailable};
use room::store::reconciliation::{self as store, Answer, Records};

/// Longer than the deadlines of all calls of an inquiry together.
const IN_FLIGHT_MS: i64 = 30_000;
/// Entries this young are remembered, so that the log is not asked again for the room's records.
const REMEMBERED_MS: i64 = 120_000;
/// How often a run that found nothing new is written down.
const SAVED_EVERY_MS: i64 = 60_000;
/// Old entries of one room that are compared again in one run: at a run every 20 seconds 86,000 a day.
const AGAIN_MAX: u16 = 20;
/// Records of one room that are looked at again in one run, and shown.
const OPEN_MAX: u16 = 1_000;

/// When the log took in which settled end.
type Logged = HashMap<InquiryId, i64>;

/// What is remembered of a room between two runs.
#[derive(Default)]
struct Memory {
    logged: Logged,
    /// Where the old entries are compared again next.
    again_from: u64,
    /// How many of the room's records are alone.
    open: i64,
}

/// What one run has found out about a room.
struct Run {
    permit: Permit,
    now_unix_ms: i64,
    saved: store::Progress,
    progress: store::Progress,
    /// How many records were alone before.
    open: usize,
    found: Vec<OneSided>,
    resolved: Vec<OneSided>,
}

/// Runs for as long as the service lives.
pub(crate) async fn run(host: Arc<Host>) {
    let every = Duration::from_secs(host.reconcile_every_s.max(1));
    let mut rooms: HashMap<MunicipalityCode, Memory> = HashMap::new();
    loop {
        tokio::time::sleep(every).await;
        for room in host.open_rooms() {
            let memory = rooms.entry(room.municipality).or_default();
            match reconcile(&host, room, memory).await {
                Ok(count) => memory.open = count,
                Err(error) => tracing::warn!(%error, "a room is not compared with the log"),
            }
        }
        host.counters.one_sided.set(rooms.values().map(|memory| memory.open).sum());
    }
}

/// Compares a room with the log; returns how many of its records are alone.
async fn reconcile(host: &Host, room: &Room, memory: &mut Memory) -> Result<i64, ApiError> {
    let permit = host.job(Action::ReadOutcomes, room)?;
    let now_unix_ms = host.now_unix_ms();
    let saved = host.read("partition.reconcile", &permit, store::progress).await?;
    let (found, resolved) = (Vec::new(), Vec::new());
    let mut run = Run { permit, now_unix_ms, saved, progress: saved, open: 0, found, resolved };
    memory.again_from = run.compare_again(host, memory.again_from).await?;
    run.read_log(host, &mut memory.logged).await?;
    run.read_room(host, &memory.logged).await?;
    memory.logged.retain(|_, at| *at > now_unix_ms - REMEMBERED_MS);
    run.write(room).await
}

impl Run {
    /// Some of the log's entries about the room from an index on, and the room's records of them.
    async fn page(
        &self,
        host: &Host,
        (from_index, limit): (u64, u16),
    ) -> Result<(Outcomes, Records), ApiError> {
        let wanted = ListOutcomes { municipality: self.permit.municipality(), from_index, limit };
        let request = &self.permit.context().request;
        let page: Result<Outcomes, CallError> =
            host.log.post(OUTCOMES_LIST, request, None, &wanted).await;
        let page = page.map_err(unavailable)?;
        let settled = page.entries.iter().filter(|one| one.entry.outcome.settles());
        let ids: Vec<InquiryId> = settled.map(|one| one.entry.inquiry).collect();
        let told: Vec<(NoticeId, InquiryId)> =
            page.entries.iter().filter_map(|one| Some((notice(one)?, one.entry.inquiry))).collect();
        let read = move |tx: &mut db::Tx, permit: &Permit| {
            let mut records = store::records(tx, permit, &ids)?;
            store::notices(tx, permit, &told, &mut records)?;
            Ok(records)
        };
        let records = host.read("partition.reconcile", &self.permit, read).await?;
        Ok((page, records))
    }

    /// Compares old entries again; returns where to go on.
    async fn compare_again(&mut self, host: &Host, from_index: u64) -> Result<u64, ApiError> {
        let (page, records) = self.page(host, (from_index, AGAIN_MAX)).await?;
        let compared = self.saved.0;
        for one in page.entries.iter().filter(|one| one.index < compared) {
            if let Some((id, side)) = side(self.permit.municipality(), one, &records) {
                self.find(id, side, Some(one.index));
            }
        }
        Ok(page.next_index.filter(|next| *next < compared).unwrap_or(0))
    }

    /// Looks for the room's records of what the log has, as far as nothing is on its way.
    async fn read_log(&mut self, host: &Host, logged: &mut Logged) -> Result<(), ApiError> {
        loop {
            let (page, records) = self.page(host, (self.progress.0, LIST_LIMIT_MAX)).await?;
            let settled = page.entries.iter().filter(|one| one.entry.outcome.settles());
            logged.extend(settled.map(|one| (one.entry.inquiry, one.logged_at_unix_ms)));
            for one in &page.entries {
                if let Some((id, side)) = side(self.permit.municipality(), one, &records) {
                    if one.logged_at_unix_ms > self.now_unix_ms - IN_FLIGHT_MS {
                        return Ok(());
                    }
                    self.find(id, side, Some(one.index));
                }
                self.progress.0 = one.index + 1;
            }
            if page.next_index.is_none() || page.entries.is_empty() {
                return Ok(());
            }
        }
    }

    /// Looks for the log's entries of what the room has, and for the other sides of what was alone.
    async fn read_room(&mut self, host: &Host, logged: &Logged) -> Result<(), ApiError> {
        let (from, to) = (self.saved.1 - IN_FLIGHT_MS, self.now_unix_ms - IN_FLIGHT_MS);
        let read = move |tx: &mut db::Tx, permit: &Permit| {
            let open = store::open(tx, permit, OPEN_MAX)?;
            let ids: Vec<InquiryId> = open.iter().map(|one| one.inquiry).collect();
            let mut records = store::records(tx, permit, &ids)?;
            let told: Vec<_> =
                open.iter().map(|one| (NoticeId(one.inquiry.0), one.inquiry)).collect();
            store::notices(tx, permit, &told, &mut records)?;
            Ok((open, records, store::recorded(tx, permit, (from, to))?))
        };
        let (open, records, recorded) =
            host.read("partition.reconcile", &self.permit, read).await?;
        self.open = open.len();
        let awaited = open.iter().filter(|one| lacks_log(one.side)).map(|one| one.inquiry);
        let missing = recorded.iter().map(|(id, _)| *id).chain(awaited);
        let missing: Vec<InquiryId> = missing.filter(|id| !logged.contains_key(id)).collect();
        let late = receipt::find(host, &self.permit, &missing).await?;
        let is_logged = |id: &InquiryId| logged.contains_key(id) || late.contains_key(id);
        for (id, side) in recorded.into_iter().filter(|(id, _)| !is_logged(id)) {
            self.find(id, side, None);
        }
        self.resolved.extend(open.into_iter().filter(|one| match one.side {
            Side::LogWithoutProvision => records.provisions.contains_key(&one.inquiry),
            Side::LogWithoutAnswer => {
                let answer = records.answers.get(&one.inquiry);
                answer.is_some_and(|answer| Some(answer.log_index) == one.log_index)
            }
            Side::ProvisionWithoutLog | Side::AnswerWithoutLog => is_logged(&one.inquiry),
            Side::LogWithoutNotice => records.notices.contains_key(&NoticeId(one.inquiry.0)),
            // That needs people.
            Side::Differs => false,
        }));
        self.progress.1 = self.saved.1.max(self.now_unix_ms);
        Ok(())
    }

    fn find(&mut self, inquiry: InquiryId, side: Side, log_index: Option<u64>) {
        let found_at_unix_ms = self.now_unix_ms;
        self.found.push(OneSided { inquiry, side, log_index, found_at_unix_ms });
    }

    async fn write(self, room: &Room) -> Result<i64, ApiError> {
        let Self { permit, saved, progress, open, found, resolved, .. } = self;
        let is_quiet = found.is_empty() && resolved.is_empty() && progress.0 == saved.0;
        if is_quiet && progress.1 < saved.1 + SAVED_EVERY_MS {
            return Ok(i64::try_from(open).unwrap_or(i64::MAX));
        }
        let (new, old, open) = room
            .queue
            .write(move |tx, acts| {
                let (mut new, mut old) = (0, 0);
                for one in &found {
                    new += usize::from(store::insert(tx, &permit, one)?);
                }
                for one in &resolved {
                    old += usize::from(store::resolve(tx, &permit, one)?);
                }
                store::save_progress(tx, &permit, progress)?;
                if new + old > 0 {
                    let result = format!("one-sided: {new} found, {old} resolved");
                    acts.add(entry(&permit, About::default(), &result));
                }
                Ok((new, old, store::count_open(tx, &permit)?))
            })
            .await?;
        if new > 0 {
            tracing::error!(new, open, "records that a room or the log has alone");
        } else if old > 0 {
            tracing::info!(old, open, "records that are no longer alone");
        }
        Ok(open)
    }
}

fn lacks_log(side: Side) -> bool {
    matches!(side, Side::ProvisionWithoutLog | Side::AnswerWithoutLog)
}

/// The notice that an entry tells of, where it tells of one.
fn notice(indexed: &IndexedEntry) -> Option<NoticeId> {
    let is_notice = matches!(indexed.entry.outcome, Outcome::Corrected | Outcome::Released);
    let id = is_notice.then(|| indexed.entry.permit.parse().ok());
    id.flatten().map(NoticeId)
}

/// What the room's records lack of an entry, or say otherwise, by inquiry or notice.
fn side(
    own: MunicipalityCode,
    indexed: &IndexedEntry,
    records: &Records,
) -> Option<(InquiryId, Side)> {
    let entry = &indexed.entry;
    if let Some(notice) = notice(indexed) {
        let id = InquiryId(notice.0);
        let other = if entry.provider == own { entry.inquirer } else { entry.provider };
        return match records.notices.get(&notice) {
            None if records.erased.contains(&entry.inquiry) => None,
            None => Some((id, Side::LogWithoutNotice)),
            Some(known) => (known != other.as_str()).then_some((id, Side::Differs)),
        };
    }
    let settled = entry.outcome.settles().then(|| settled_side(own, indexed, records));
    settled.flatten().map(|side| (entry.inquiry, side))
}

/// The same of a settled end.
fn settled_side(own: MunicipalityCode, indexed: &IndexedEntry, records: &Records) -> Option<Side> {
    let IndexedEntry { index, entry, .. } = indexed;
    let is_provided = entry.outcome == Outcome::Provided;
    if entry.provider == own {
        return match records.provisions.get(&entry.inquiry) {
            None => is_provided.then_some(Side::LogWithoutProvision),
            Some(inquirer) => {
                let agrees = is_provided && inquirer == entry.inquirer.as_str();
                (!agrees).then_some(Side::Differs)
            }
        };
    }
    let Some(Answer { provider, state, log_index }) = records.answers.get(&entry.inquiry) else {
        return Some(Side::LogWithoutAnswer);
    };
    let outcome = if is_provided { "provided" } else { "nothing" };
    let agrees = provider == entry.provider.as_str()
        && log_index == index
        && [outcome, "expired"].contains(&state.as_str());
    (!agrees).then_some(Side::Differs)
}

/// A supervisor reads how the room and the log agree; reading is an act and is logged.
pub(crate) async fn read(host: &Host, permit: Permit) -> Result<Reconciliation, ApiError> {
    permit.expect_action(Action::ReadReconciliation)?;
    let room = host.room(permit.municipality())?;
    room.queue
        .write(move |tx, acts| {
            acts.add(entry(&permit, About::default(), "read"));
            let (next_index, reconciled_at_unix_ms) = store::progress(tx, &permit)?;
            let one_sided = store::open(tx, &permit, OPEN_MAX)?;
            Ok(Reconciliation { next_index, reconciled_at_unix_ms, one_sided })
        })
        .await
}
