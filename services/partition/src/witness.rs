//! Every room is a witness of the provision log (docs/LOG_FORMAT.md §5).
//!
//! A room cosigns a checkpoint only after it has been proven to continue what the room knows, and
//! after the room remembers it.  Two checkpoints of which neither continues the other are kept as
//! evidence, and the log is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::{Purpose, Signature};
use domain::{Action, MunicipalityCode, Permit, RequestId};
use ledger::{Checkpoint, Hash, Note};
use service::{ApiError, problems as common};
use wire::CallError;
use wire::provision_log::{
    CONSISTENCY, COSIGNATURES, Cosignatures, OBJECTIONS, Objection, ObjectionHeard, Proof,
    ProveConsistency, WITNESS_CHECKPOINT,
};

use room::Host;
use room::Room;
use room::alarms::{CONTRADICTION, NO_QUORUM, SILENCE};
use room::checkpoint::cosign;
use room::operation_log::{About, entry};
use room::receipt::{hashes, unavailable};
use room::{problems, store};

/// Others cosign after us, so each round is looked at once more, at another moment of it each time.
const MOMENTS: u32 = 16;

/// Runs for as long as the service lives.
pub(crate) async fn run(host: Arc<Host>) {
    let every = Duration::from_secs(host.witness.every_s.max(1));
    let mut witness = Witness::new(&host);
    for moment in (1..MOMENTS).cycle() {
        let begun = Instant::now();
        if let Err(error) = witness.round().await {
            tracing::warn!(%error, "the provision log is not witnessed");
        }
        witness.judge();
        // Where a round takes long, inquiries come first.
        let every = every.max(begun.elapsed() * 4);
        let part = every * moment / MOMENTS;
        tokio::time::sleep(part).await;
        witness.look().await;
        tokio::time::sleep(every - part).await;
    }
}

struct Witness<'h> {
    host: &'h Host,
    began_at_unix_ms: i64,
    /// The last round in which every room cosigned and the log heard it.
    done_at_unix_ms: i64,
    /// Rooms that the log contradicts, and whether it has heard their objection.
    doubts: HashMap<MunicipalityCode, bool>,
    /// When each municipality of the directory last cosigned what we, too, have seen.
    cosigned: HashMap<MunicipalityCode, u64>,
    /// The text of the last checkpoint that no room doubts.
    agreed: Option<String>,
}

/// What the log shows in one round.
struct Round {
    seen: Checkpoint,
    /// The checkpoint's text and the log's own signatures, without those of witnesses.
    note: Note,
    request: RequestId,
    /// From each older size that a room knows; asked for once.
    proofs: HashMap<u64, Vec<Hash>>,
}

impl<'h> Witness<'h> {
    fn new(host: &'h Host) -> Self {
        let now = host.now_unix_ms();
        Self {
            host,
            began_at_unix_ms: now,
            done_at_unix_ms: now,
            doubts: HashMap::new(),
            cosigned: HashMap::new(),
            agreed: None,
        }
    }

    async fn round(&mut self) -> Result<(), ApiError> {
        let bad = || ApiError::new(&problems::BAD_ANSWER);
        let request = RequestId::make_random();
        let text = self.host.log.get_text(WITNESS_CHECKPOINT, &request).await;
        let text = text.map_err(unavailable)?;
        let seen = self.host.checkpoint(&text).ok_or_else(bad)?;
        let published: Note = text.parse().map_err(|_| bad())?;
        let by_log = published
            .signatures()
            .iter()
            .filter(|line| self.host.log_verifiers.iter().any(|known| known.id() == line.key_id));
        let note = Note::from_parts(published.text().to_owned(), by_log.cloned().collect());
        let note = note.map_err(|_| bad())?;
        let mut round = Round { seen, note, request, proofs: HashMap::new() };
        let (mut lines, mut failed) = (Vec::new(), None);
        for room in self.host.open_rooms() {
            match self.see(room, &mut round).await {
                Ok(line) => lines.extend(line),
                Err(error) => failed = Some(error),
            }
        }
        self.host.counters.rooms_cosigned.set(i64::try_from(lines.len()).unwrap_or(i64::MAX));
        self.agreed = self.doubts.is_empty().then(|| round.note.text().to_owned());
        self.count(&published);
        if !lines.is_empty() {
            let note = Note::from_parts(round.note.text().to_owned(), lines);
            let note = note.map_err(|_| bad())?;
            self.count(&note);
            let told = Cosignatures { note: note.to_string() };
            let heard: Result<serde_json::Value, _> =
                self.host.log.post(COSIGNATURES, &round.request, None, &told).await;
            heard.map_err(unavailable)?;
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.done_at_unix_ms = self.host.now_unix_ms();
        Ok(())
    }

    /// A room's cosignature, unless the log contradicts what the room knows.
    async fn see(
        &mut self,
        room: &Room,
        round: &mut Round,
    ) -> Result<Option<ledger::Signature>, ApiError> {
        let permit = self.host.job(Action::WitnessLog, room)?;
        let known = self.host.read("partition.witness", &permit, store::witness::known).await?;
        if let Some(known) = &known
            && let Some(result) = self.contradiction(known, round).await?
        {
            self.object(room, permit, (known, result), round).await?;
            return Ok(None);
        }
        let (size, note) = (round.seen.size, round.note.to_string());
        if known.as_ref() != Some(&note) {
            let remember = move |tx: &mut db::Tx, _: &mut room::writer::Acts| {
                store::witness::remember(tx, &permit, known.as_deref(), (size, &note))
            };
            if !room.queue.write(remember).await? {
                return Err(ApiError::new(&common::CONFLICT));
            }
        }
        self.doubts.remove(&room.municipality);
        // The log takes no word of a room that the directory does not place here.
        let directory = self.host.directory()?;
        let member = directory.member(room.municipality);
        let is_ours = member.is_some_and(|member| member.host == self.host.instance);
        is_ours.then(|| self.cosign(room, round.note.text())).transpose()
    }

    /// How the log contradicts what a room knows, if it does.
    async fn contradiction(
        &self,
        known: &str,
        round: &mut Round,
    ) -> Result<Option<&'static str>, ApiError> {
        let internal = |error| ApiError::caused(&common::INTERNAL, error);
        // It was verified when it was remembered, perhaps under a key that is no longer used.
        let known: Note = known.parse().map_err(internal)?;
        let known = Checkpoint::parse(known.text()).map_err(internal)?;
        let (size, root) = (round.seen.size, round.seen.root);
        if size < known.size {
            return Ok(Some("rolled back"));
        }
        if size > known.size && known.size > 0 && !round.proofs.contains_key(&known.size) {
            let wanted = ProveConsistency { old_size: known.size, new_size: size };
            let proof: Result<Proof, CallError> =
                self.host.log.post(CONSISTENCY, &round.request, None, &wanted).await;
            // What is no proof at all shows neither that the log continues nor that it does not.
            let proof = hashes(&proof.map_err(unavailable)?.hashes);
            let proof = proof.ok_or_else(|| ApiError::new(&problems::BAD_ANSWER))?;
            round.proofs.insert(known.size, proof);
        }
        let proof = round.proofs.get(&known.size).map(Vec::as_slice).unwrap_or_default();
        let continues = ledger::verify_consistency(known.size, known.root, size, root, proof);
        Ok(continues.is_err().then_some("split view"))
    }

    /// Keeps the evidence once, and tells the log until it has heard.
    async fn object(
        &mut self,
        room: &Room,
        permit: Permit,
        (known, result): (&str, &'static str),
        round: &Round,
    ) -> Result<(), ApiError> {
        let municipality = room.municipality;
        if !self.doubts.contains_key(&municipality) {
            let (known, seen) = (known.to_owned(), round.note.to_string());
            room.queue
                .write(move |tx, acts| {
                    store::witness::keep_evidence(tx, &permit, (&known, &seen))?;
                    acts.add(entry(&permit, About::default(), result));
                    Ok(())
                })
                .await?;
        }
        let is_heard = self.doubts.entry(municipality).or_insert(false);
        if !*is_heard {
            let objection = Objection { municipality, known: known.to_owned() };
            let heard: Result<ObjectionHeard, CallError> =
                self.host.log.post(OBJECTIONS, &round.request, None, &objection).await;
            *is_heard = heard.is_ok();
        }
        Ok(())
    }

    fn cosign(&self, room: &Room, text: &str) -> Result<ledger::Signature, ApiError> {
        let name = ledger::witness_name(&self.host.log_origin, room.municipality.as_str());
        let name = name.map_err(|error| ApiError::caused(&common::INTERNAL, error))?;
        cosign(&*room.keys()?, name, text, self.host.clock.now().unix_timestamp())
    }

    /// Looks once more at who has cosigned.
    async fn look(&mut self) {
        let request = RequestId::make_random();
        let text = self.host.log.get_text(WITNESS_CHECKPOINT, &request).await;
        if let Some(note) = text.ok().and_then(|text| text.parse().ok()) {
            self.count(&note);
        }
    }

    /// Notes who has cosigned what no room doubts, as far as the directory's keys prove it.
    fn count(&mut self, note: &Note) {
        let Ok(directory) = self.host.directory() else { return };
        if self.agreed.as_deref() != Some(note.text()) {
            return;
        }
        let now = self.host.clock.now().unix_timestamp();
        let latest = now.saturating_add(self.host.limits.clock_s_max);
        let latest = u64::try_from(latest).unwrap_or_default();
        let prefix = format!("{}/witness/", self.host.log_origin);
        // One cosignature proves a while.
        let look_again_s = self.host.witness.silent_s_max / 4;
        for line in note.signatures() {
            let code = line.name.as_str().strip_prefix(&prefix).map(MunicipalityCode::parse);
            let Some(Ok(code)) = code else { continue };
            let Some((time, bytes)) = line.bytes.split_first_chunk() else { continue };
            let time = u64::from_be_bytes(*time);
            let is_new = self
                .cosigned
                .get(&code)
                .is_none_or(|known| known.saturating_add(look_again_s) < time);
            let holds = |member: &service::directory::Member| {
                let message = ledger::timed_text(note.text(), time);
                Signature::try_from(bytes).is_ok_and(|signature| {
                    member.has_signed(now, (Purpose::Cosignature, message.as_bytes()), &signature)
                })
            };
            if is_new && time <= latest && directory.member(code).is_some_and(holds) {
                self.cosigned.insert(code, time);
            }
        }
    }

    /// Rings and ends alarms.
    fn judge(&self) {
        let (host, now) = (self.host, self.host.now_unix_ms());
        let silent_ms_max = i64::try_from(host.witness.silent_s_max.saturating_mul(1_000));
        let silent_ms_max = silent_ms_max.unwrap_or(i64::MAX);
        let has_quorum = self.has_quorum(now.saturating_sub(silent_ms_max));
        let silent_ms = now.saturating_sub(self.done_at_unix_ms);
        let is_young = now.saturating_sub(self.began_at_unix_ms) <= silent_ms_max;
        host.alarms.set(CONTRADICTION, !self.doubts.is_empty());
        host.alarms.set(SILENCE, silent_ms > silent_ms_max);
        host.alarms.set(NO_QUORUM, !has_quorum && !is_young);
        let alarms = host.alarms.causes().len();
        host.counters.alarms.set(i64::try_from(alarms).unwrap_or(i64::MAX));
        host.counters.witness_age_s.set(silent_ms / 1_000);
        host.counters.witness_quorum.set(i64::from(has_quorum));
        host.counters.doubts.set(i64::try_from(self.doubts.len()).unwrap_or(i64::MAX));
    }

    /// Whether enough municipalities of the directory have cosigned since then.
    fn has_quorum(&self, since_unix_ms: i64) -> bool {
        let Ok(directory) = self.host.directory() else { return false };
        let Ok(since_unix_s) = u64::try_from(since_unix_ms / 1_000) else { return false };
        let (mut members, mut fresh) = (0_u64, 0_u64);
        for code in directory.codes() {
            members += 1;
            let cosigned = self.cosigned.get(&code);
            fresh += u64::from(cosigned.is_some_and(|time| *time >= since_unix_s));
        }
        fresh * 100 > members * u64::from(self.host.witness.quorum_percent)
    }
}
