//! The rooms of this instance and what all of them share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use db::{Db, RoomKey, Tx};
use domain::disclosure::DisclosureExemptions;
use domain::law::PermissionList;
use domain::{
    Action, Actor, Clock, MunicipalityCode, OpContext, Permit, RequestId, ServiceKind, authorize,
};
use jsonwebtoken::DecodingKey;
use ledger::{Checkpoint, Origin, Verifier};
use service::{ApiError, Directory, Participants, problems as common};
use wire::Client;

use crate::alarms::Alarms;
use crate::config::{
    BatchConfig, EndingConfig, Limits, ReviewConfig, WitnessConfig, WitnessPolicy,
};
use crate::metrics::Counters;
use crate::problems;
use crate::room::Room;
use crate::wake::Wake;
use crate::writer::Queue;

pub struct Host {
    pub instance: String,
    pub db: Db,
    pub rooms: HashMap<MunicipalityCode, Arc<Room>>,
    /// Ours too, but their keys are missing, or their logs are not as they were signed.
    pub closed: Vec<MunicipalityCode>,
    /// Those of the closed that were closed for good before this start.
    pub ended: Vec<MunicipalityCode>,
    /// The log of whatever belongs to none of the rooms.
    pub own_log: Queue,
    pub participants: Participants,
    pub broker: Client,
    /// The provision log itself, for witnessing, comparing and disclosing; inquiries go by the broker.
    pub log: Client,
    pub permit_keys: Vec<DecodingKey>,
    pub log_verifiers: Vec<Verifier>,
    pub log_origin: Origin,
    /// The last checkpoint whose signature was found good: one covers a whole group of entries.
    pub last_checkpoint: Mutex<Option<(String, Checkpoint)>>,
    pub permissions: Arc<service::permissions::Permissions>,
    pub limits: Limits,
    pub witness: WitnessConfig,
    pub review: ReviewConfig,
    pub reconcile_every_s: u64,
    pub batch: BatchConfig,
    pub exemptions: DisclosureExemptions,
    pub alarms: Alarms,
    pub clock: Arc<dyn Clock>,
    pub counters: Counters,
    /// Rooms in which a file waits to be checked.
    pub imports: Wake,
    /// Rooms in which keys change or records end.
    pub endings: Wake,
    pub ending: EndingConfig,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Host({}, {} rooms)", self.instance, self.rooms.len())
    }
}

impl Host {
    /// The room of a municipality, if it is one of ours.
    pub fn room(&self, municipality: MunicipalityCode) -> Result<Arc<Room>, ApiError> {
        let room = self.rooms.get(&municipality);
        let is_closed = self.closed.contains(&municipality) || room.is_some_and(|r| r.is_closed());
        let refusal = if is_closed { &problems::ROOM_CLOSED } else { &problems::NOT_HOSTED };
        let open = room.filter(|_| !is_closed).map(Arc::clone);
        open.ok_or_else(|| ApiError::new(refusal))
    }

    /// Whether the municipality's room is one of ours that was closed for good.
    pub fn has_ended(&self, municipality: MunicipalityCode) -> bool {
        self.ended.contains(&municipality)
            || self.rooms.get(&municipality).is_some_and(|room| room.ring.has_ended())
    }

    /// The rooms in which there is still something to do.
    pub fn open_rooms(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.rooms.values().filter(|room| !room.is_closed())
    }

    /// A checkpoint of the pinned log, if it is one; what was just verified is not verified again.
    pub fn checkpoint(&self, note: &str) -> Option<Checkpoint> {
        let mut last = self.last_checkpoint.lock().ok()?;
        if let Some((known, checkpoint)) = last.as_ref()
            && known == note
        {
            return Some(checkpoint.clone());
        }
        let checkpoint = Checkpoint::open(note, &self.log_origin, &self.log_verifiers).ok()?;
        *last = Some((note.to_owned(), checkpoint.clone()));
        Some(checkpoint)
    }

    pub fn directory(&self) -> Result<Arc<Directory>, ApiError> {
        let now = self.clock.now().unix_timestamp();
        let directory = self.participants.directory(now);
        directory.map_err(|error| ApiError::caused(&common::UNAVAILABLE, error))
    }

    pub fn permission_list(&self) -> Arc<PermissionList> {
        self.permissions.current()
    }

    /// Whether inquiries wait until the provision log can be trusted again.
    pub fn is_log_doubtful(&self) -> bool {
        self.witness.policy == WitnessPolicy::Stop && !self.alarms.causes().is_empty()
    }

    /// The permit of a job that nobody asked for: an act like any other (C113).
    pub fn job(&self, action: Action, room: &Room) -> Result<Permit, ApiError> {
        let actor =
            Actor::Service { kind: ServiceKind::Partition, instance: self.instance.clone() };
        let context = OpContext::new(actor, RequestId::make_random(), self.clock.now());
        Ok(authorize(&context, action, room.municipality)?)
    }

    /// Reads a room's rows as they are at one moment, without waiting for the room's writer.
    pub async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        permit: &Permit,
        work: impl Fn(&mut Tx, &Permit) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let room = room_key(permit.municipality())?;
        let permit = permit.clone();
        self.db.room_read(name, room, move |tx| work(tx, &permit)).await
    }

    /// Milliseconds since 1970, now.
    pub fn now_unix_ms(&self) -> i64 {
        crate::operation_log::unix_ms(self.clock.now())
    }
}

/// How the database knows a room.
pub fn room_key(municipality: MunicipalityCode) -> Result<RoomKey, ApiError> {
    let key = RoomKey::parse(municipality.as_str());
    key.map_err(|error| ApiError::caused(&common::INTERNAL, error))
}
