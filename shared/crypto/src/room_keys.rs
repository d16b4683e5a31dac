use std::fmt;

use aes_gcm::Aes256Gcm;
use domain::MunicipalityCode;
use hmac::Hmac;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::generations::{Generations, KeyId, Numbered};
use crate::random::{self, Secret};
use crate::sealing_key::{SealingKey, SealingPublicKey};
use crate::{CryptoError, Purpose, Signature, SigningKey, VerifyingKey, cipher, digest};

/// All keys of one municipality, prepared for use.
///
/// Key schedules are computed once, here; share the whole behind an `Arc`.  Dropping it wipes the
/// keys.  It has no `Clone`, so there is one copy to wipe.
pub struct RoomKeys {
    pub(crate) municipality: MunicipalityCode,
    pub(crate) data: Generations<Aes256Gcm>,
    /// For records that the law keeps whole: they must open as long as they exist, so this key stays
    /// when data keys are destroyed.
    pub(crate) record: Generations<Aes256Gcm>,
    /// One generation only: a new key would mean computing every blind index again.
    pub(crate) index: Hmac<Sha256>,
    pub(crate) sealing: Generations<SealingKey>,
    signing: Generations<SigningKey>,
}

/// What a key of a room is for.  Part of what its wrapping is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyKind {
    Data,
    Record,
    Index,
    Sealing,
    Signing,
}

impl KeyKind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Data, Self::Record, Self::Index, Self::Sealing, Self::Signing];

    pub(crate) fn label(self) -> &'static [u8] {
        match self {
            Self::Data => b"data",
            Self::Record => b"record",
            Self::Index => b"index",
            Self::Sealing => b"sealing",
            Self::Signing => b"signing",
        }
    }
}

/// A key as the key store holds it once unwrapped.
pub(crate) struct RoomSecret {
    pub(crate) kind: KeyKind,
    pub(crate) id: KeyId,
    pub(crate) secret: Secret,
}

/// The first generation of every key a room needs.
pub(crate) fn make_secrets() -> Result<Vec<RoomSecret>, CryptoError> {
    let make = |kind| Ok(RoomSecret { kind, id: 1, secret: random::make_secret()? });
    KeyKind::ALL.into_iter().map(make).collect()
}

impl RoomKeys {
    pub(crate) fn prepare(
        municipality: MunicipalityCode,
        secrets: &[RoomSecret],
    ) -> Result<Self, CryptoError> {
        let index = of_kind(secrets, KeyKind::Index, digest::keyed);
        Ok(Self {
            municipality,
            data: Generations::new(of_kind(secrets, KeyKind::Data, cipher::prepare))?,
            record: Generations::new(of_kind(secrets, KeyKind::Record, cipher::prepare))?,
            index: index.map(|index| index.key).next().ok_or(CryptoError::Malformed)?,
            sealing: Generations::new(of_kind(secrets, KeyKind::Sealing, SealingKey::new))?,
            signing: Generations::new(of_kind(secrets, KeyKind::Signing, SigningKey::new))?,
        })
    }

    pub fn municipality(&self) -> MunicipalityCode {
        self.municipality
    }

    /// Signs in the municipality's name, for one purpose only.
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Signature {
        self.signing.current().key.sign(purpose, message)
    }

    /// The number of the data key that seals now.
    pub fn data_key(&self) -> KeyId {
        self.data.current().id
    }

    /// The numbers of all data keys, newest first.
    pub fn data_keys(&self) -> Vec<KeyId> {
        self.data.newest_first().map(|key| key.id).collect()
    }

    /// What the directory publishes for this municipality.
    pub fn public_keys(&self) -> PublicKeys {
        let sealing = self.sealing.newest_first();
        let signing = self.signing.newest_first();
        PublicKeys {
            sealing: sealing.map(|k| Numbered { id: k.id, key: k.key.public_key() }).collect(),
            signing: signing.map(|k| Numbered { id: k.id, key: k.key.verifying_key() }).collect(),
        }
    }
}

fn of_kind<'a, K: 'a>(
    secrets: &'a [RoomSecret],
    kind: KeyKind,
    prepare: impl Fn(&Secret) -> K + 'a,
) -> impl Iterator<Item = Numbered<K>> + 'a {
    let wanted = secrets.iter().filter(move |secret| secret.kind == kind);
    wanted.map(move |secret| Numbered { id: secret.id, key: prepare(&secret.secret) })
}

impl fmt::Debug for RoomKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomKeys(redacted)")
    }
}

/// A municipality's public keys, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeys {
    pub sealing: Vec<Numbered<SealingPublicKey>>,
    pub signing: Vec<Numbered<VerifyingKey>>,
}

impl PublicKeys {
    /// The key to seal requests to; older ones are listed only so that they can be recognised.
    pub fn sealing_current(&self) -> Result<&Numbered<SealingPublicKey>, CryptoError> {
        self.sealing.iter().max_by_key(|key| key.id).ok_or(CryptoError::UnknownKey)
    }

    /// Accepts a signature by any listed key: a rotation must not void what is under way.
    ///
    /// The directory stops listing a key once nothing signed with it can be under way any more.
    pub fn verify(
        &self,
        purpose: Purpose,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        let matches = |key: &Numbered<VerifyingKey>| key.key.verify(purpose, message, signature);
        let verified = self.signing.iter().any(|key| matches(key).is_ok());
        verified.then_some(()).ok_or(CryptoError::Signature)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use static_assertions::assert_not_impl_any;

    use super::*;

    assert_not_impl_any!(RoomKeys: fmt::Display, Clone, Serialize);
    assert_not_impl_any!(RoomSecret: fmt::Debug, fmt::Display, Clone, Serialize);

    pub(crate) fn room(code: &str) -> RoomKeys {
        RoomKeys::prepare(MunicipalityCode::parse(code).unwrap(), &make_secrets().unwrap()).unwrap()
    }

    /// The keys before and after one more generation of every kind that can be rotated.
    pub(crate) fn rotated_room(code: &str) -> (RoomKeys, RoomKeys) {
        let municipality = MunicipalityCode::parse(code).unwrap();
        let mut secrets = make_secrets().unwrap();
        let before = RoomKeys::prepare(municipality, &secrets).unwrap();
        for kind in [KeyKind::Data, KeyKind::Sealing, KeyKind::Signing] {
            secrets.push(RoomSecret { kind, id: 2, secret: random::make_secret().unwrap() });
        }
        (before, RoomKeys::prepare(municipality, &secrets).unwrap())
    }

    #[test]
    fn a_room_that_lacks_a_kind_of_key_is_refused() {
        let adachi = MunicipalityCode::parse("131211").unwrap();
        for missing in KeyKind::ALL {
            let mut secrets = make_secrets().unwrap();
            secrets.retain(|secret| secret.kind != missing);
            let refusal = RoomKeys::prepare(adachi, &secrets).err();
            assert_eq!(refusal, Some(CryptoError::Malformed), "{missing:?}");
        }
    }

    #[test]
    fn signatures_from_before_and_after_a_rotation_both_verify() {
        let (before, after) = rotated_room("131211");
        let published = after.public_keys();
        for keys in [&before, &after] {
            let signature = keys.sign(Purpose::Inquiry, b"message");
            assert_eq!(published.verify(Purpose::Inquiry, b"message", &signature), Ok(()));
        }
        let signature = room("072036").sign(Purpose::Inquiry, b"message");
        let refusal = published.verify(Purpose::Inquiry, b"message", &signature);
        assert_eq!(refusal, Err(CryptoError::Signature));
    }

    #[test]
    fn published_keys_survive_json_newest_first() {
        let published = rotated_room("131211").1.public_keys();
        let json = serde_json::to_string(&published).unwrap();
        assert_eq!(serde_json::from_str::<PublicKeys>(&json).unwrap(), published);
        assert_eq!(published.sealing.iter().map(|key| key.id).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(published.sealing_current().unwrap().id, 2);
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = room("131211");
        assert_eq!(format!("{keys:?}"), "RoomKeys(redacted)");
        assert_eq!(format!("{keys:#?}"), "RoomKeys(redacted)");
    }
}
