//! Keys that sign notes: Ed25519 with a name (C2SP signed-note, signature type 0x01).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::name::KeyName;

const TYPE_ED25519: u8 = 0x01;
/// Timestamped cosignatures of witnesses (C2SP tlog-cosignature).
pub(crate) const TYPE_COSIGNATURE: u8 = 0x04;

/// A short hint which key of a name was used; not a fingerprint to trust.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

/// A log's private key under its name.
pub struct Signer {
    key: SigningKey,
    verifier: Verifier,
}

/// The public half: what a reader of the log is configured with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("a verifier key is name+hash+key")]
    Malformed,
    #[error("the verifier key's hash does not match its name and key")]
    WrongHash,
    #[error("this type of verifier key is not supported")]
    UnknownType,
    #[error("the verifier key cannot prove anything")]
    Weak,
}

impl KeyId {
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    pub(crate) fn of(name: &KeyName, kind: u8, key: &VerifyingKey) -> Self {
        let digest = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', kind])
            .chain_update(key.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
        Self([a, b, c, d])
    }
}

impl Signer {
    #[must_use]
    pub fn new(name: KeyName, key: SigningKey) -> Self {
        let verifier = Verifier::new(name, key.verifying_key());
        Self { key, verifier }
    }

    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        self.key.sign(text.as_bytes()).to_bytes().to_vec()
    }
}

impl Verifier {
    #[must_use]
    pub fn new(name: KeyName, key: VerifyingKey) -> Self {
        Self { id: KeyId::of(&name, TYPE_ED25519, &key), name, key }
    }

    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Tells two names of one key from two keys.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

/// Writes a verifier key as it is handed to others: `name+hash+base64(type, key)`.
pub(crate) fn write_key(name: &KeyName, kind: u8, key: &VerifyingKey) -> String {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(key.as_bytes());
    format!("{name}+{}+{}", KeyId::of(name, kind, key), STANDARD.encode(bytes))
}

/// Reads a verifier key of this type and no other.
pub(crate) fn read_key(text: &str, kind: u8) -> Result<(KeyName, VerifyingKey), InvalidKey> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(InvalidKey::Malformed);
    };
    let name = KeyName::parse(name).map_err(|_| InvalidKey::Malformed)?;
    let key = STANDARD.decode(key).map_err(|_| InvalidKey::Malformed)?;
    let key = match key.split_first() {
        Some((found, key)) if *found == kind => {
            key.try_into().map_err(|_| InvalidKey::Malformed)?
        }
        Some(_) => return Err(InvalidKey::UnknownType),
        None => return Err(InvalidKey::Malformed),
    };
    let key = VerifyingKey::from_bytes(key).map_err(|_| InvalidKey::Malformed)?;
    if key.is_weak() {
        return Err(InvalidKey::Weak);
    }
    let right = KeyId::of(&name, kind, &key).to_string() == id;
    if right { Ok((name, key)) } else { Err(InvalidKey::WrongHash) }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_key(&self.name, TYPE_ED25519, &self.key))
    }
}

impl FromStr for Verifier {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        read_key(text, TYPE_ED25519).map(|(name, key)| Self::new(name, key))
    }
}

impl From<[u8; 4]> for KeyId {
    fn from(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, redacted)", self.verifier.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public key of the Go checksum database, a log of the same conventions.
    const GO_SUM: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

    fn signer() -> Signer {
        Signer::new(KeyName::parse("log.example/a").unwrap(), SigningKey::from_bytes(&[7; 32]))
    }

    #[test]
    fn a_verifier_key_of_another_house_is_read_back() {
        let verifier: Verifier = GO_SUM.parse().unwrap();
        assert_eq!(verifier.name().as_str(), "sum.golang.org");
        assert_eq!(verifier.to_string(), GO_SUM);
    }

    #[test]
    fn the_key_id_follows_the_plain_formula() {
        let signer = signer();
        let mut bytes = b"log.example/a\n\x01".to_vec();
        bytes.extend_from_slice(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
        assert_eq!(signer.verifier().id().as_bytes(), &Sha256::digest(&bytes)[..4]);
        assert_eq!(signer.verifier().to_string().parse().as_ref(), Ok(signer.verifier()));
    }

    #[test]
    fn verifier_keys_that_are_not_whole_are_refused() {
        let other_type = GO_SUM.replace("+Ac4z", "+BM4z");
        let weak_id = "a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let cases = [
            ("", InvalidKey::Malformed),
            ("sum.golang.org+033de0ae", InvalidKey::Malformed),
            (&GO_SUM[..GO_SUM.len() - 4], InvalidKey::Malformed),
            (&GO_SUM.replace("sum.", "sum "), InvalidKey::Malformed),
            (&GO_SUM.replace("033de0ae", "033DE0AE"), InvalidKey::WrongHash),
            (&GO_SUM.replace("033de0ae", "033de0af"), InvalidKey::WrongHash),
            (&GO_SUM.replace("golang", "gulang"), InvalidKey::WrongHash),
            (&other_type, InvalidKey::UnknownType),
            (weak_id, InvalidKey::Weak),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Verifier>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_signer_does_not_show_its_key() {
        assert_eq!(format!("{:?}", signer()), "Signer(log.example/a, redacted)");
    }
}
