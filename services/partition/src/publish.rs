//! Publishes the rooms' public keys to the registry, until it has them and again before they end.

use std::sync::Arc;
use std::time::Duration;

use crypto::KeyId;
use domain::RequestId;
use wire::registry::{self, PublishKeys, PublishedKey};
use wire::{Base64Bytes, Client};

use room::Host;
use room::Room;

const RETRY: Duration = Duration::from_millis(500);
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_S: i64 = 24 * 60 * 60;

/// Runs for as long as the service lives.
pub(crate) async fn run(host: Arc<Host>, registry: Client) {
    loop {
        let mut waiting: Vec<&Arc<Room>> = host.open_rooms().collect();
        while !waiting.is_empty() {
            let mut refused = Vec::new();
            for room in waiting {
                if !publish(&host, &registry, room).await {
                    refused.push(room);
                }
            }
            waiting = refused;
            if !waiting.is_empty() {
                tokio::time::sleep(RETRY).await;
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn publish(host: &Host, registry: &Client, room: &Room) -> bool {
    // A closed room publishes nothing more.
    let Ok(keys) = room.keys().map(|keys| keys.public_keys()) else { return true };
    let sealing = keys.sealing.iter().map(|k| published(host, k.id, k.key.to_bytes()));
    let signing = keys.signing.iter().map(|k| published(host, k.id, k.key.as_bytes().to_vec()));
    let mut signing: Vec<PublishedKey> = signing.collect();
    // What an older key signs from now on is somebody else's word.  One that sealed still opens what
    // a device has kept off-line.
    for older in signing.iter_mut().skip(1) {
        older.not_after_unix_s = older.not_before_unix_s;
    }
    let body = PublishKeys {
        municipality: room.municipality,
        sealing_keys: sealing.collect(),
        signing_keys: signing,
    };
    let request = RequestId::make_random();
    let answer = registry.post::<serde_json::Value>(registry::KEYS, &request, None, &body).await;
    if let Err(error) = &answer {
        // The municipality may not have been registered yet; it is tried again.
        tracing::debug!(%error, municipality = %room.municipality, "keys not published");
    }
    answer.is_ok()
}

fn published(host: &Host, id: KeyId, key: Vec<u8>) -> PublishedKey {
    let now = host.clock.now().unix_timestamp();
    PublishedKey {
        id,
        key: Base64Bytes(key),
        // A receiver's clock may be a little behind ours.
        not_before_unix_s: now - host.limits.clock_s_max,
        not_after_unix_s: now + host.limits.published_key_days * DAY_S,
    }
}
