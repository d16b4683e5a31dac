//! The registry's directory with its keys already read: once for each directory, not once for each
//! inquiry.

use std::collections::HashMap;
use std::sync::Mutex;

use crypto::{KeyId, Numbered, Purpose, SealingPublicKey, Signature, VerifyingKey};
use domain::MunicipalityCode;
use domain::law::day_in_japan;
use domain::municipalities::ended_municipality;
use jsonwebtoken::DecodingKey;
use time::OffsetDateTime;
use wire::registry::{DirectoryEntry, PublishedKey, TokenClaims};

/// A directory in force.
pub struct Directory {
    pub sequence: i64,
    pub issued_at_unix_s: i64,
    pub expires_at_unix_s: i64,
    members: HashMap<MunicipalityCode, Member>,
    token_keys: Vec<Dated<DecodingKey>>,
    /// Tokens whose signature was found good under this very directory, by their digest.
    verified_tokens: Mutex<HashMap<[u8; 32], TokenClaims>>,
}

/// Tokens remembered at once; beyond, all are verified anew.
const VERIFIED_TOKENS_MAX: usize = 10_000;

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Directory({}, {} members)", self.sequence, self.members.len())
    }
}

/// A municipality that takes part: where its room is and what its keys are.
#[derive(Clone, Debug)]
pub struct Member {
    /// The partition instance that hosts the room.
    pub host: String,
    pub url: String,
    sealing: Vec<Dated<SealingPublicKey>>,
    signing: Vec<Dated<VerifyingKey>>,
}

#[derive(Clone, Debug)]
struct Dated<K> {
    key: Numbered<K>,
    published: (i64, i64),
}

impl<K> Dated<K> {
    fn is_valid_at(&self, unix_s: i64) -> bool {
        (self.published.0..=self.published.1).contains(&unix_s)
    }
}

impl Directory {
    /// Reads a verified document; a key that is not well formed is left out, as if it had expired.
    pub fn read(document: wire::registry::Directory) -> Self {
        let wire::registry::Directory { municipalities, token_keys, .. } = document;
        let read = |entry: DirectoryEntry| (entry.municipality, Member::read(entry));
        Self {
            sequence: document.sequence,
            issued_at_unix_s: document.issued_at_unix_s,
            expires_at_unix_s: document.expires_at_unix_s,
            members: municipalities.into_iter().map(read).collect(),
            token_keys: dated(&token_keys, |bytes| Some(DecodingKey::from_ed_der(bytes))),
            verified_tokens: Mutex::default(),
        }
    }

    /// The member with this code.
    pub fn member(&self, code: MunicipalityCode) -> Option<&Member> {
        self.members.get(&code)
    }

    /// The member with this code now; `None` for a code that nobody has, or has any more.
    pub fn current(&self, code: MunicipalityCode, now: OffsetDateTime) -> Option<&Member> {
        let ended = ended_municipality(code);
        let has_ended = ended.is_some_and(|ended| ended.ended_on <= day_in_japan(now));
        self.member(code).filter(|_| !has_ended)
    }

    /// The municipalities that take part, in no order.
    pub fn codes(&self) -> impl Iterator<Item = MunicipalityCode> {
        self.members.keys().copied()
    }

    /// The key of this number that verifies log-in tokens now.
    pub(crate) fn token_key(&self, id: KeyId, now_unix_s: i64) -> Option<&DecodingKey> {
        let keys = self.token_keys.iter().filter(|key| key.is_valid_at(now_unix_s));
        keys.map(|dated| &dated.key).find(|key| key.id == id).map(|key| &key.key)
    }
}

/// A clerk sends the same token with every request: its signature is checked once for each
/// directory, its times, its binding and revocations each time.
impl Directory {
    pub(crate) fn verified_token(&self, digest: &[u8; 32]) -> Option<TokenClaims> {
        self.verified_tokens.lock().ok()?.get(digest).cloned()
    }

    pub(crate) fn remember_token(&self, digest: [u8; 32], claims: &TokenClaims) {
        if let Ok(mut tokens) = self.verified_tokens.lock() {
            if tokens.len() >= VERIFIED_TOKENS_MAX {
                tokens.clear();
            }
            tokens.insert(digest, claims.clone());
        }
    }
}

impl Member {
    fn read(entry: DirectoryEntry) -> Self {
        let verifying = |bytes: &[u8]| VerifyingKey::from_bytes(bytes.try_into().ok()?).ok();
        Self {
            sealing: dated(&entry.sealing_keys, |bytes| SealingPublicKey::from_bytes(bytes).ok()),
            signing: dated(&entry.signing_keys, verifying),
            host: entry.host,
            url: entry.url,
        }
    }

    /// The newest key to seal to, now.
    pub fn sealing_key(&self, now_unix_s: i64) -> Option<&Numbered<SealingPublicKey>> {
        self.sealing.iter().find(|key| key.is_valid_at(now_unix_s)).map(|dated| &dated.key)
    }

    /// Whether something may have been sealed to the key of this number.
    pub fn has_sealing_key(&self, id: KeyId, now_unix_s: i64) -> bool {
        self.sealing.iter().any(|key| key.key.id == id && key.is_valid_at(now_unix_s))
    }

    /// The keys that are valid now, the newest first; for signatures in formats of their own.
    pub fn signing_keys(&self, now_unix_s: i64) -> impl Iterator<Item = &VerifyingKey> {
        let valid = self.signing.iter().filter(move |key| key.is_valid_at(now_unix_s));
        valid.map(|dated| &dated.key.key)
    }

    /// Whether one of the member's keys that are valid now made this signature.
    pub fn has_signed(
        &self,
        now_unix_s: i64,
        (purpose, message): (Purpose, &[u8]),
        signature: &Signature,
    ) -> bool {
        let mut valid = self.signing_keys(now_unix_s);
        valid.any(|key| key.verify(purpose, message, signature).is_ok())
    }
}

/// Newest first.
fn dated<K>(published: &[PublishedKey], read: impl Fn(&[u8]) -> Option<K>) -> Vec<Dated<K>> {
    let read = |one: &PublishedKey| {
        let key = Numbered { id: one.id, key: read(&one.key.0)? };
        Some(Dated { key, published: (one.not_before_unix_s, one.not_after_unix_s) })
    };
    let mut keys: Vec<_> = published.iter().filter_map(read).collect();
    keys.sort_by_key(|dated| std::cmp::Reverse(dated.key.id));
    keys
}

#[cfg(test)]
mod tests {
    use crypto::SigningKey;

    use super::*;

    #[test]
    fn keys_count_within_their_time_the_newest_first_and_a_broken_one_never() {
        let (old, new) = (SigningKey::make_random().unwrap(), SigningKey::make_random().unwrap());
        let published = |id, key: &[u8], from, until| PublishedKey {
            id,
            key: key.to_vec().into(),
            not_before_unix_s: from,
            not_after_unix_s: until,
        };
        let member = Member::read(DirectoryEntry {
            municipality: MunicipalityCode::parse("131211").unwrap(),
            host: "main".to_owned(),
            url: "https://localhost:1".to_owned(),
            sealing_keys: vec![published(1, b"short", 0, i64::MAX)],
            signing_keys: vec![
                published(1, old.verifying_key().as_bytes(), 0, 20),
                published(2, new.verifying_key().as_bytes(), 10, i64::MAX),
            ],
        });
        assert!(member.sealing_key(15).is_none());
        let says = |key: &SigningKey, at| {
            member.has_signed(at, (Purpose::Inquiry, b"m"), &key.sign(Purpose::Inquiry, b"m"))
        };
        assert!(says(&old, 5) && says(&old, 15) && !says(&old, 25));
        assert!(!says(&new, 5) && says(&new, 15) && says(&new, 25));
    }
}
