use std::fmt;

use hpke::kem::XWing;
use hpke::{Deserializable, Kem, Serializable};
use serde::{Deserialize, Serialize};

use crate::random::Secret;
use crate::{CryptoError, encoding};

pub(crate) type HpkePublicKey = <XWing as Kem>::PublicKey;
pub(crate) type HpkePrivateKey = <XWing as Kem>::PrivateKey;

/// The private key that opens what is sealed to a municipality.
///
/// X-Wing joins X25519 with ML-KEM-768: whoever records an envelope today and breaks one of the two
/// tomorrow still cannot open it.
pub(crate) struct SealingKey(HpkePrivateKey);

impl SealingKey {
    #[expect(clippy::expect_used, reason = "every 32 bytes are an X-Wing private key")]
    pub(crate) fn new(secret: &Secret) -> Self {
        Self(HpkePrivateKey::from_bytes(secret.as_slice()).expect("32 bytes"))
    }

    pub(crate) fn private_key(&self) -> &HpkePrivateKey {
        &self.0
    }

    pub(crate) fn public_key(&self) -> SealingPublicKey {
        SealingPublicKey(XWing::sk_to_pk(&self.0))
    }
}

/// The key by which anybody seals to a municipality; base64 in JSON.
///
/// Prepared at parsing, so keep it rather than its text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealingPublicKey(HpkePublicKey);

impl SealingPublicKey {
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        Self::from_bytes(&encoding::decode(text)?)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        HpkePublicKey::from_bytes(bytes).map(Self).map_err(|_| CryptoError::Malformed)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    pub fn encode(&self) -> String {
        encoding::encode(&self.to_bytes())
    }

    pub(crate) fn as_hpke(&self) -> &HpkePublicKey {
        &self.0
    }
}

impl TryFrom<String> for SealingPublicKey {
    type Error = CryptoError;

    fn try_from(text: String) -> Result<Self, CryptoError> {
        Self::parse(&text)
    }
}

impl From<SealingPublicKey> for String {
    fn from(key: SealingPublicKey) -> Self {
        key.encode()
    }
}

/// Not secret, but 1216 bytes long: a log line is better off without it.
impl fmt::Debug for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingPublicKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use static_assertions::assert_not_impl_any;

    use super::*;
    use crate::random;

    assert_not_impl_any!(SealingKey: fmt::Debug, fmt::Display, Clone, Serialize);

    #[test]
    fn a_public_key_survives_its_text() {
        let public = SealingKey::new(&random::make_secret().unwrap()).public_key();
        assert_eq!(SealingPublicKey::parse(&public.encode()), Ok(public));
    }

    #[test]
    fn bytes_outside_the_field_are_no_key() {
        let too_large = encoding::encode(&[0xff; 1216]);
        assert_eq!(SealingPublicKey::parse(&too_large), Err(CryptoError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1300)) {
            let _ = SealingPublicKey::parse(&encoding::encode(&bytes));
        }
    }
}
