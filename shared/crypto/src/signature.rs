use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{CryptoError, encoding};

/// What a signature is for.  A signature made for one purpose never verifies for another.
///
/// A new kind of signed message gets a new purpose; a label, once used, is never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The header of an inquiry, which the broker reads.
    Inquiry,
    /// The content of an inquiry, which only the source reads.
    InquiryContent,
    /// The source's answer.
    Answer,
    /// What a venue's device captured.
    Capture,
    /// The broker's permission for one inquiry.
    Permit,
    /// The registry's directory of municipalities and their keys.
    Directory,
    /// The registry's list of sessions, operators and terminals that no longer count.
    Revocations,
    /// The provision log's promise that an entry is durable.
    Receipt,
    /// A room's word about a check of its operation log.
    Inspection,
    /// What a room tells another one after an inquiry has ended.
    Notice,
    /// A witness's word about a checkpoint (C2SP tlog-cosignature): the message is its time and text.
    Cosignature,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Inquiry => b"watari/inquiry/1",
            Self::InquiryContent => b"watari/inquiry-content/1",
            Self::Answer => b"watari/answer/1",
            Self::Capture => b"watari/capture/1",
            Self::Permit => b"watari/permit/1",
            Self::Directory => b"watari/directory/1",
            Self::Revocations => b"watari/revocations/1",
            Self::Receipt => b"watari/receipt/1",
            Self::Inspection => b"watari/inspection/1",
            Self::Notice => b"watari/notice/1",
            Self::Cosignature => b"cosignature/v1",
        }
    }

    /// No label contains the zero byte, so no label with its message reads as another's.
    ///
    /// Nor does a token or a checkpoint begin like that, so a key may sign those too.
    pub(crate) fn signed_bytes(self, message: &[u8]) -> Vec<u8> {
        // The public format has its own separator; no other label begins with this one.
        let separator: &[u8] = if self == Self::Cosignature { b"\n" } else { b"\0" };
        [self.label(), separator, message].concat()
    }
}

/// An Ed25519 signature; base64 in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(pub(crate) ed25519_dalek::Signature);

impl Signature {
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let bytes = encoding::decode_array(text)?;
        Ok(Self(ed25519_dalek::Signature::from_bytes(&bytes)))
    }

    pub fn encode(&self) -> String {
        encoding::encode(&self.0.to_bytes())
    }

    pub fn to_bytes(&self) -> [u8; 64] {
        self.0.to_bytes()
    }
}

impl TryFrom<&[u8]> for Signature {
    type Error = CryptoError;

    fn try_from(bytes: &[u8]) -> Result<Self, CryptoError> {
        ed25519_dalek::Signature::from_slice(bytes).map(Self).map_err(|_| CryptoError::Malformed)
    }
}

impl TryFrom<String> for Signature {
    type Error = CryptoError;

    fn try_from(text: String) -> Result<Self, CryptoError> {
        Self::parse(&text)
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        signature.encode()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", self.encode())
    }
}

/// An Ed25519 public key; base64 in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VerifyingKey(pub(crate) ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Refuses bytes that are no point of the curve, and points of small order, for which one
    /// signature would fit many messages.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, CryptoError> {
        match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(CryptoError::Malformed),
        }
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        Self::from_bytes(&encoding::decode_array(text)?)
    }

    pub fn encode(&self) -> String {
        encoding::encode(self.as_bytes())
    }

    /// The same key for the ledger, which verifies checkpoints in a format of its own.
    pub fn to_ed25519(&self) -> ed25519_dalek::VerifyingKey {
        self.0
    }

    pub fn verify(
        &self,
        purpose: Purpose,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        self.0
            .verify_strict(&purpose.signed_bytes(message), &signature.0)
            .map_err(|_| CryptoError::Signature)
    }
}

impl TryFrom<String> for VerifyingKey {
    type Error = CryptoError;

    fn try_from(text: String) -> Result<Self, CryptoError> {
        Self::parse(&text)
    }
}

impl From<VerifyingKey> for String {
    fn from(key: VerifyingKey) -> Self {
        key.encode()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.encode())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SigningKey;

    const ALL: [Purpose; 9] = [
        Purpose::Inquiry,
        Purpose::InquiryContent,
        Purpose::Answer,
        Purpose::Permit,
        Purpose::Directory,
        Purpose::Revocations,
        Purpose::Receipt,
        Purpose::Inspection,
        Purpose::Cosignature,
    ];

    #[test]
    fn a_signature_verifies_for_its_own_purpose_only() {
        let key = SigningKey::make_random().unwrap();
        for signed in ALL {
            let signature = key.sign(signed, b"message");
            for asked in ALL {
                let verified = key.verifying_key().verify(asked, b"message", &signature).is_ok();
                assert_eq!(verified, asked == signed, "signed {signed:?}, asked {asked:?}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_of_message_and_signature_is_noticed() {
        let key = SigningKey::make_random().unwrap();
        let signature = key.sign(Purpose::Permit, b"message");
        let verify = |message: &[u8], signature: &Signature| {
            key.verifying_key().verify(Purpose::Permit, message, signature)
        };
        for bit in 0..b"message".len() * 8 {
            let mut broken = b"message".to_vec();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(&broken, &signature), Err(CryptoError::Signature), "message {bit}");
        }
        for bit in 0..64 * 8 {
            let mut broken = signature.0.to_bytes();
            broken[bit / 8] ^= 1 << (bit % 8);
            let broken = Signature(ed25519_dalek::Signature::from_bytes(&broken));
            assert_eq!(verify(b"message", &broken), Err(CryptoError::Signature), "bit {bit}");
        }
    }

    #[test]
    fn keys_and_signatures_survive_json() {
        let key = SigningKey::make_random().unwrap();
        let pair = (key.verifying_key(), key.sign(Purpose::Answer, b"message"));
        let json = serde_json::to_string(&pair).unwrap();
        assert_eq!(serde_json::from_str::<(VerifyingKey, Signature)>(&json).unwrap(), pair);
    }

    #[test]
    fn points_of_small_order_are_no_keys() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        for weak in [[0; 32], neutral] {
            assert_eq!(VerifyingKey::from_bytes(&weak), Err(CryptoError::Malformed));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,100}") {
            let _ = (VerifyingKey::parse(&text), Signature::parse(&text));
        }

        #[test]
        fn only_the_signed_message_verifies(message: Vec<u8>, other: Vec<u8>) {
            let key = SigningKey::make_random().unwrap();
            let signature = key.sign(Purpose::Directory, &message);
            let verified = key.verifying_key().verify(Purpose::Directory, &other, &signature);
            prop_assert_eq!(verified.is_ok(), message == other);
        }
    }
}
