use std::fmt;

use aes_gcm::Aes256Gcm;
use hkdf::Hkdf;
use hpke::HpkeError;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::cipher::{self, NONCE_BYTES};
use crate::padding::{self, Direction};
use crate::random::{self, Secret};
use crate::{Cell, CryptoError, RoomKeys};

const LABEL: &[u8] = b"watari/answer-key/1";
const SALT_BYTES: usize = 32;

/// The secret shared by the two ends of one request: it opens the answer to that request only.
///
/// Derived in the manner of Oblivious HTTP (RFC 9458, section 4.4): the HPKE context exports a
/// secret, and each answer draws fresh random bytes from which key and nonce follow.  So the same
/// request may be answered twice without using a nonce twice.
pub struct AnswerKey {
    encapped: Vec<u8>,
    secret: Secret,
}

impl AnswerKey {
    pub(crate) fn export(
        encapped: &[u8],
        export: impl FnOnce(&[u8], &mut [u8]) -> Result<(), HpkeError>,
    ) -> Result<Self, CryptoError> {
        let mut secret = Secret::default();
        export(LABEL, secret.as_mut_slice()).map_err(|_| CryptoError::Malformed)?;
        Ok(Self { encapped: encapped.to_vec(), secret })
    }

    /// Returns `random || ciphertext || tag`, whose length tells only the bucket of `plain`.
    pub fn seal_answer(&self, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let padded = padding::pad(Direction::Answer, plain)?;
        let salt = random::bytes::<SALT_BYTES>()?;
        let (key, nonce) = self.derive(&salt);
        let mut sealed = Vec::with_capacity(SALT_BYTES + padded.len() + cipher::TAG_BYTES);
        sealed.extend_from_slice(&salt);
        cipher::seal_onto(&mut sealed, &key, &nonce, b"", &padded)?;
        Ok(sealed)
    }

    pub fn open_answer(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (salt, body) =
            sealed.split_first_chunk::<SALT_BYTES>().ok_or(CryptoError::Malformed)?;
        let (key, nonce) = self.derive(salt);
        padding::strip(Direction::Answer, &cipher::open(&key, &nonce, b"", body)?)
    }

    #[expect(clippy::expect_used, reason = "HKDF-SHA256 yields up to 8160 bytes; 32 always fit")]
    fn derive(&self, salt: &[u8; SALT_BYTES]) -> (Aes256Gcm, [u8; NONCE_BYTES]) {
        let salt = [self.encapped.as_slice(), salt].concat();
        let hkdf = Hkdf::<Sha256>::new(Some(&salt), self.secret.as_slice());
        let (mut key, mut nonce) = (Secret::default(), [0; NONCE_BYTES]);
        hkdf.expand(b"key", key.as_mut_slice()).expect("32 bytes fit");
        hkdf.expand(b"nonce", &mut nonce).expect("12 bytes fit");
        (cipher::prepare(&key), nonce)
    }
}

/// An asker that restarts between question and answer keeps the answer key as a sealed cell.
impl RoomKeys {
    pub fn seal_answer_key(
        &self,
        cell: &Cell<'_>,
        key: &AnswerKey,
    ) -> Result<Vec<u8>, CryptoError> {
        let plain = Zeroizing::new([key.secret.as_slice(), &key.encapped].concat());
        self.seal(cell, &plain)
    }

    pub fn open_answer_key(
        &self,
        cell: &Cell<'_>,
        sealed: &[u8],
    ) -> Result<AnswerKey, CryptoError> {
        let plain = self.open(cell, sealed)?;
        let (secret, encapped) = plain.split_first_chunk().ok_or(CryptoError::Malformed)?;
        Ok(AnswerKey { encapped: encapped.to_vec(), secret: Zeroizing::new(*secret) })
    }
}

impl fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::assert_not_impl_any;

    use super::*;
    use crate::envelope::tests::asked;
    use crate::room_keys::tests::room;

    assert_not_impl_any!(AnswerKey: fmt::Display, Clone, serde::Serialize);

    #[test]
    fn an_answer_opens_for_its_own_question_only() {
        let keys = room("131211");
        let (asker, source) = asked(&keys, b"inquiry 1");
        let (other_asker, _) = asked(&keys, b"inquiry 1");
        let sealed = source.seal_answer(b"answer").unwrap();
        assert_eq!(asker.open_answer(&sealed).unwrap().as_slice(), b"answer");
        assert_eq!(other_asker.open_answer(&sealed), Err(CryptoError::Open));
    }

    #[test]
    fn every_flipped_bit_and_a_cut_answer_are_noticed() {
        let (asker, source) = asked(&room("131211"), b"inquiry");
        let sealed = source.seal_answer(b"answer").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut broken = sealed.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(asker.open_answer(&broken), Err(CryptoError::Open), "bit {bit}");
        }
        for length in [0, 31, 32, 47, 48, sealed.len() - 1] {
            assert!(asker.open_answer(&sealed[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn the_same_question_may_be_answered_twice_with_fresh_keys() {
        let (asker, source) = asked(&room("131211"), b"inquiry");
        let [first, second] = [(); 2].map(|()| source.seal_answer(b"answer").unwrap());
        assert_ne!(first[SALT_BYTES..], second[SALT_BYTES..]);
        assert_eq!(asker.open_answer(&first), asker.open_answer(&second));
    }

    #[test]
    fn nothing_and_a_few_records_weigh_the_same() {
        let (_, source) = asked(&room("131211"), b"inquiry");
        let length = |bytes| source.seal_answer(&vec![7; bytes]).unwrap().len();
        assert_eq!(length(0), length(1020));
        assert_eq!(length(1021), length(4000));
    }

    #[test]
    fn a_kept_answer_key_opens_the_answer_after_a_restart() {
        let keys = room("072036");
        let cell = Cell { table: "inquiry", column: "answer_key", row: b"1", version: 1 };
        let (asker, source) = asked(&room("131211"), b"inquiry");
        let kept = keys.seal_answer_key(&cell, &asker).unwrap();
        let restored = keys.open_answer_key(&cell, &kept).unwrap();
        let sealed = source.seal_answer(b"answer").unwrap();
        assert_eq!(restored.open_answer(&sealed).unwrap().as_slice(), b"answer");
        assert_eq!(format!("{restored:?}"), "AnswerKey(redacted)");
    }
}
