use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, SealingPublicKey, VerifyingKey};
use domain::Actor;
use service::{ApiError, Caller};
use wire::registry::{PublishKeys, PublishedKey};

use crate::Registry;
use crate::access::Access;
use crate::change::{Change, Work, make};
use crate::store::{self, Purpose, RoomKey};

/// Keys of one purpose that a room may have at the same time.
const KEYS_MAX: usize = 8;

/// Publishes a room's public keys; only the room's host may.
///
/// Keys that are not mentioned stay until their time is over, so old and new ones overlap.
pub(crate) async fn publish_keys(
    registry: &Registry,
    caller: &Caller,
    request: PublishKeys,
) -> Result<(), ApiError> {
    let code = request.municipality;
    let access = Access::of(&caller.context, "PublishKeys").to(code).concerning(code.to_string());
    make(registry, caller, access, async { prepare(caller, &request) }).await
}

fn prepare(caller: &Caller, request: &PublishKeys) -> Result<Work, ApiError> {
    let wanted = wanted(request)?;
    let code = request.municipality;
    let instance = match &caller.context.actor {
        Actor::Service { instance, .. } => Some(instance.clone()),
        _ => None,
    };
    let now_unix_s = caller.context.at.unix_timestamp();
    Ok(Box::new(move |tx, _| {
        let host = store::municipality_find(tx, code)?.map(|host| host.host);
        if host.is_none() || host != instance {
            return Ok(Change::Foreign);
        }
        let published = store::room_key_list(tx, code)?;
        let steps = match plan(&published, &wanted, now_unix_s) {
            Ok(steps) if steps.is_empty() => return Ok(Change::Same),
            Ok(steps) => steps,
            Err(refused) => return Ok(refused),
        };
        for step in &steps {
            match step {
                Step::Insert(key) => store::room_key_insert(tx, code, key)?,
                Step::SetValidity(key) => store::room_key_set_validity(tx, code, key)?,
            }
        }
        store::directory_advance(tx)?;
        Ok(Change::Made)
    }))
}

/// The keys of a request, after each has been read as what it claims to be.
fn wanted(request: &PublishKeys) -> Result<Vec<RoomKey>, ApiError> {
    let mut wanted = Vec::new();
    let purposes = [
        (Purpose::Sealing, "sealingKeys", &request.sealing_keys),
        (Purpose::Signing, "signingKeys", &request.signing_keys),
    ];
    for (purpose, field, keys) in purposes {
        let ids: BTreeSet<u32> = keys.iter().map(|key| key.id).collect();
        let is_good = ids.len() == keys.len()
            && keys.len() <= KEYS_MAX
            && keys.iter().all(|key| is_key(purpose, key));
        if !is_good {
            return Err(ApiError::field(field));
        }
        wanted.extend(keys.iter().map(|key| RoomKey { purpose, key: key.clone() }));
    }
    Ok(wanted)
}

fn is_key(purpose: Purpose, key: &PublishedKey) -> bool {
    let text = STANDARD.encode(&key.key.0);
    let parsed: Result<(), CryptoError> = match purpose {
        Purpose::Sealing => SealingPublicKey::parse(&text).map(drop),
        Purpose::Signing => VerifyingKey::parse(&text).map(drop),
    };
    parsed.is_ok() && key.not_before_unix_s <= key.not_after_unix_s
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Insert(RoomKey),
    SetValidity(RoomKey),
}

/// What must be written so that `wanted` is published beside what is there already.
fn plan(published: &[RoomKey], wanted: &[RoomKey], now_unix_s: i64) -> Result<Vec<Step>, Change> {
    let mut all: BTreeMap<_, _> =
        published.iter().map(|key| ((key.purpose, key.key.id), key)).collect();
    let mut steps = Vec::new();
    for key in wanted {
        match all.insert((key.purpose, key.key.id), key) {
            None => steps.push(Step::Insert(key.clone())),
            Some(old) if old == key => {}
            Some(old) if old.key.key == key.key.key => steps.push(Step::SetValidity(key.clone())),
            // A number once given belongs to its key for ever: envelopes name keys by it.
            Some(_) => return Err(Change::Conflict),
        }
    }
    let count = |purpose| {
        let current = |key: &&&RoomKey| key.key.not_after_unix_s >= now_unix_s;
        all.values().filter(|key| key.purpose == purpose).filter(current).count()
    };
    if [Purpose::Sealing, Purpose::Signing].into_iter().any(|purpose| count(purpose) > KEYS_MAX) {
        return Err(Change::TooMany);
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u32, byte: u8, not_after_unix_s: i64) -> RoomKey {
        let key =
            PublishedKey { id, key: vec![byte].into(), not_before_unix_s: 0, not_after_unix_s };
        RoomKey { purpose: Purpose::Signing, key }
    }

    #[test]
    fn the_same_again_is_no_step() {
        assert_eq!(plan(&[key(1, 1, 100)], &[key(1, 1, 100)], 50), Ok(vec![]));
        assert_eq!(plan(&[key(1, 1, 100)], &[], 50), Ok(vec![]));
    }

    #[test]
    fn a_new_key_comes_beside_and_a_known_one_may_end_sooner() {
        let steps = plan(&[key(1, 1, 100)], &[key(1, 1, 60), key(2, 2, 200)], 50);
        let expected = vec![Step::SetValidity(key(1, 1, 60)), Step::Insert(key(2, 2, 200))];
        assert_eq!(steps, Ok(expected));
    }

    #[test]
    fn a_number_is_never_given_to_another_key_even_after_its_time() {
        assert_eq!(plan(&[key(1, 1, 100)], &[key(1, 2, 100)], 50), Err(Change::Conflict));
        assert_eq!(plan(&[key(1, 1, 10)], &[key(1, 2, 100)], 50), Err(Change::Conflict));
    }

    #[test]
    fn eight_keys_at_the_same_time_are_enough() {
        let eight: Vec<_> = (1..=8).map(|id| key(id, 1, 100)).collect();
        assert_eq!(plan(&eight, &[key(9, 1, 200)], 50), Err(Change::TooMany));
        assert!(plan(&eight, &[key(9, 1, 200)], 101).is_ok());
    }
}
