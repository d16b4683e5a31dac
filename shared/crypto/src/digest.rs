use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::random::Secret;

/// The SHA-256 digest, for content and certificate thumbprints; never for individual numbers,
/// of which there are too few: they go through a keyed [`BlindIndex`](crate::BlindIndex).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The SHA-256 digest of what comes in pieces.
#[derive(Clone, Default)]
pub struct Sha256Stream(Sha256);

impl Sha256Stream {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl std::fmt::Debug for Sha256Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256Stream")
    }
}

/// A prepared HMAC: clone it for each message, and the key schedule is computed only once.
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(crate) fn keyed(key: &Secret) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.as_slice()).expect("any length")
}

pub(crate) fn finish(mac: Hmac<Sha256>) -> [u8; 32] {
    mac.finalize().into_bytes().into()
}

/// Joins parts so that `("ab", "c")` and `("a", "bc")` differ: each is preceded by its length.
#[expect(clippy::expect_used, reason = "no slice is longer than u64::MAX")]
pub(crate) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        joined.extend_from_slice(&u64::try_from(part.len()).expect("fits").to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_digest_is_sha_256() {
        let empty = sha256(b"");
        assert_eq!(empty[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }

    proptest! {
        /// Two different lists of parts never join to the same bytes.
        #[test]
        fn joining_loses_no_boundary(
            one: Vec<Vec<u8>>, other: Vec<Vec<u8>>, at in 0usize..8,
        ) {
            let join = |parts: &[Vec<u8>]| {
                length_prefixed(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_eq!(join(&one) == join(&other), one == other);

            let text = b"boundary";
            let (left, right) = text.split_at(at);
            prop_assert_ne!(length_prefixed(&[left, right]), length_prefixed(&[text, b""]));
        }
    }
}
