//! The rooms of this instance and what all of them share.

use std::collections::HashMap;
use std::sync::Arc;

use crypto::{KeyId, Numbered, PublicKeys, SealingPublicKey, VerifyingKey};
use db::Db;
use domain::law::PermissionList;
use domain::{Clock, MunicipalityCode};
use jsonwebtoken::DecodingKey;
use ledger::{Origin, Verifier};
use service::{ApiError, Participants, problems as common};
use wire::Client;
use wire::registry::{Directory, DirectoryEntry, PublishedKey};

use crate::config::Limits;
use crate::metrics::Counters;
use crate::problems;
use crate::room::Room;

pub(crate) struct Host {
    pub(crate) instance: String,
    pub(crate) db: Db,
    pub(crate) rooms: HashMap<MunicipalityCode, Arc<Room>>,
    pub(crate) participants: Participants,
    pub(crate) broker: Client,
    pub(crate) permit_keys: Vec<DecodingKey>,
    pub(crate) log_verifiers: Vec<Verifier>,
    pub(crate) log_origin: Origin,
    pub(crate) permissions: Arc<service::permissions::Permissions>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
}

impl Host {
    /// The room of a municipality, if it is one of ours.
    pub(crate) fn room(&self, municipality: MunicipalityCode) -> Result<Arc<Room>, ApiError> {
        let room = self.rooms.get(&municipality).map(Arc::clone);
        room.ok_or_else(|| ApiError::new(&problems::NOT_HOSTED))
    }

    pub(crate) fn directory(&self) -> Result<Arc<Directory>, ApiError> {
        let now = self.clock.now().unix_timestamp();
        let directory = self.participants.directory(now);
        directory.map_err(|error| ApiError::caused(&common::UNAVAILABLE, error))
    }

    pub(crate) fn permission_list(&self) -> Arc<PermissionList> {
        self.permissions.current()
    }

    /// Milliseconds since 1970, now.
    pub(crate) fn now_unix_ms(&self) -> i64 {
        crate::operation_log::unix_ms(self.clock.now())
    }
}

/// The keys of a municipality that are valid at this moment.
pub(crate) fn valid_keys(entry: &DirectoryEntry, now_unix_s: i64) -> Result<PublicKeys, ApiError> {
    let sealing = valid(&entry.sealing_keys, now_unix_s, |text| SealingPublicKey::parse(text).ok());
    let signing = valid(&entry.signing_keys, now_unix_s, |text| VerifyingKey::parse(text).ok());
    match (sealing, signing) {
        (Some(sealing), Some(signing)) => Ok(PublicKeys { sealing, signing }),
        _ => Err(ApiError::new(&common::INTERNAL)),
    }
}

/// Newest first, as a room's own list is.
fn valid<K>(
    keys: &[PublishedKey],
    now_unix_s: i64,
    parse: impl Fn(&str) -> Option<K>,
) -> Option<Vec<Numbered<K>>> {
    use base64::Engine as _;
    let read = |key: &PublishedKey| {
        let text = base64::engine::general_purpose::STANDARD.encode(&key.key.0);
        let id: KeyId = key.id;
        parse(&text).map(|key| Numbered { id, key })
    };
    let mut valid: Vec<_> =
        keys.iter().filter(|key| key.is_valid_at(now_unix_s)).map(read).collect::<Option<_>>()?;
    valid.sort_by_key(|key| std::cmp::Reverse(key.id));
    Some(valid)
}
