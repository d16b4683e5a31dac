use std::fmt;

use domain::IndividualNumber;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::digest::{finish, keyed};
use crate::random::{self, Secret};
use crate::{CryptoError, encoding, sha256};

const LABEL: &[u8] = b"watari/commitment/1\0";

/// Thirty-two random bytes, without which a [`Commitment`] says nothing about a person.
///
/// Whoever holds them can test every possible number against the commitment, so keep them sealed,
/// and destroy them to make the commitment mute for ever.
#[derive(Clone)]
pub struct Salt(Secret);

impl Salt {
    pub fn make_random() -> Result<Self, CryptoError> {
        Ok(Self(random::make_secret()?))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let mut salt = Secret::default();
        if bytes.len() != salt.len() {
            return Err(CryptoError::Malformed);
        }
        salt.copy_from_slice(bytes);
        Ok(Self(salt))
    }

    /// The bytes themselves, to be sealed at once.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(redacted)")
    }
}

/// What a log may keep about an answer: proof of whom and what it concerned, mute without the
/// [`Salt`]; base64 in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commitment([u8; 32]);

impl Commitment {
    pub fn new(salt: &Salt, number: &IndividualNumber, content: &[u8]) -> Self {
        // The number is always twelve digits and the digest 32 bytes, so no lengths are needed.
        let mac = keyed(&salt.0)
            .chain_update(LABEL)
            .chain_update(number.reveal())
            .chain_update(sha256(content));
        Self(finish(mac))
    }

    /// Whether this commitment was made to exactly this number and content; in constant time.
    pub fn verify(&self, salt: &Salt, number: &IndividualNumber, content: &[u8]) -> bool {
        Self::new(salt, number, content).0.ct_eq(&self.0).into()
    }

    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        encoding::decode_array(text).map(Self)
    }

    pub fn encode(&self) -> String {
        encoding::encode(&self.0)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for Commitment {
    type Error = CryptoError;

    fn try_from(text: String) -> Result<Self, CryptoError> {
        Self::parse(&text)
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> Self {
        commitment.encode()
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({})", self.encode())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use static_assertions::assert_not_impl_any;

    use super::*;

    assert_not_impl_any!(Salt: fmt::Display, Serialize);

    #[test]
    fn a_commitment_holds_for_its_salt_number_and_content_only() {
        let [taro, hanako] = [1, 2].map(IndividualNumber::for_test);
        let [salt, other] = [(); 2].map(|()| Salt::make_random().unwrap());
        let commitment = Commitment::new(&salt, &taro, b"records");
        assert!(commitment.verify(&salt, &taro, b"records"));
        assert!(!commitment.verify(&other, &taro, b"records"));
        assert!(!commitment.verify(&salt, &hanako, b"records"));
        assert!(!commitment.verify(&salt, &taro, b"record"));
    }

    #[test]
    fn the_same_answer_given_twice_cannot_be_recognised() {
        let taro = IndividualNumber::for_test(1);
        let commit = || Commitment::new(&Salt::make_random().unwrap(), &taro, b"records");
        assert_ne!(commit(), commit());
    }

    #[test]
    fn salt_and_commitment_survive_storage() {
        let salt = Salt::make_random().unwrap();
        assert_eq!(Salt::from_bytes(salt.reveal()).unwrap().reveal(), salt.reveal());
        assert_eq!(Salt::from_bytes(&[0; 31]).err(), Some(CryptoError::Malformed));
        assert_eq!(format!("{salt:?}"), "Salt(redacted)");

        let commitment = Commitment::new(&salt, &IndividualNumber::for_test(1), b"records");
        let json = serde_json::to_string(&commitment).unwrap();
        assert_eq!(serde_json::from_str::<Commitment>(&json).unwrap(), commitment);
    }

    proptest! {
        #[test]
        fn no_other_content_verifies(content: Vec<u8>, other: Vec<u8>) {
            let (salt, taro) = (Salt::make_random().unwrap(), IndividualNumber::for_test(1));
            let commitment = Commitment::new(&salt, &taro, &content);
            prop_assert_eq!(commitment.verify(&salt, &taro, &other), content == other);
        }
    }
}
