use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aes_gcm::Aes256Gcm;
use domain::MunicipalityCode;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cipher::{self, NONCE_BYTES, TAG_BYTES};
use crate::digest::{finish, keyed, length_prefixed};
use crate::random::{self, Secret};
use crate::room_keys::{KeyKind, RoomSecret, make_secrets};
use crate::{CryptoError, KeyId, RoomKeys, encoding, files};

const FORMAT: u8 = 1;
const LOCK_FILE: &str = "lock";
const LABEL: &[u8] = b"watari/wrapped-key/1";
const KEK_NAME_LABEL: &[u8] = b"watari/key-encryption-key/1";

/// Where the municipalities' keys live: one file each, wrapped under the key-encryption key.
///
/// Invariant: the folder is no part of the data's backups.  Else a restored backup would bring back
/// what [`destroy_room`](Self::destroy_room) was asked to end.
///
/// Callers see rooms, not files, so that a hardware module (PKCS#11) can take the place of the
/// key-encryption key without their noticing.
pub struct KeyStore {
    folder: PathBuf,
    key_encryption_key: Aes256Gcm,
    key_encryption_key_name: String,
}

/// The file of one room.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoomFile {
    format: u8,
    municipality: MunicipalityCode,
    key_encryption_key: String,
    keys: Vec<WrappedKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrappedKey {
    kind: KeyKind,
    id: KeyId,
    /// `nonce || ciphertext || tag` in base64.
    wrapped: String,
}

impl KeyStore {
    /// Opens a key store that must exist: a mistyped path must not start an empty one.
    pub fn open(kek_file: &Path, folder: &Path) -> Result<Self, CryptoError> {
        expect_store(folder)?;
        let text = files::read(kek_file)?;
        let secret: Secret = Zeroizing::new(encoding::decode_array(text.trim_end())?);
        Ok(Self {
            folder: folder.to_owned(),
            key_encryption_key: cipher::prepare(&secret),
            key_encryption_key_name: name_of(&secret),
        })
    }

    /// Makes an empty store and a key-encryption key, 32 bytes in base64; overwrites neither.
    pub fn create(kek_file: &Path, folder: &Path) -> Result<Self, CryptoError> {
        if expect_store(folder).is_ok() {
            return Err(CryptoError::KeyFile(ErrorKind::AlreadyExists));
        }
        files::make_folder(folder)?;
        if let Some(parent) = kek_file.parent() {
            files::make_folder(parent)?;
        }
        let text = Zeroizing::new(encoding::encode(random::make_secret()?.as_slice()));
        files::create(kek_file, text.as_bytes())?;
        files::create(&folder.join(LOCK_FILE), b"")?;
        Self::open(kek_file, folder)
    }

    /// Makes the keys of a new room.  They are durable before they are returned, so nothing is ever
    /// sealed under a key that a power failure could take away.
    pub fn make_room(&self, municipality: MunicipalityCode) -> Result<RoomKeys, CryptoError> {
        let _lock = files::lock(&self.folder.join(LOCK_FILE))?;
        if self.secrets(municipality)?.is_some() || self.is_closed(municipality) {
            return Err(CryptoError::KeyFile(ErrorKind::AlreadyExists));
        }
        self.write(municipality, &make_secrets()?)
    }

    /// `None`: this room has no keys, or has them no more.  `Err`: we do not know.
    pub fn room(&self, municipality: MunicipalityCode) -> Result<Option<RoomKeys>, CryptoError> {
        if self.is_closed(municipality) {
            // What a crash may have left is destroyed before anything else.
            return self.close_room(municipality).map(|()| None);
        }
        let _lock = files::lock_to_read(&self.folder.join(LOCK_FILE))?;
        let secrets = self.secrets(municipality)?;
        secrets.map(|secrets| RoomKeys::prepare(municipality, &secrets)).transpose()
    }

    /// A new key for what is sealed from now on; older keys go on opening what they sealed.
    pub fn rotate_data_key(&self, municipality: MunicipalityCode) -> Result<RoomKeys, CryptoError> {
        self.rotate(municipality, KeyKind::Data)
    }

    /// A new key to publish for requests; those sealed to an older one still open.
    pub fn rotate_sealing_key(
        &self,
        municipality: MunicipalityCode,
    ) -> Result<RoomKeys, CryptoError> {
        self.rotate(municipality, KeyKind::Sealing)
    }

    /// A new key to sign with; publish it before its first signature is to be believed.
    pub fn rotate_signing_key(
        &self,
        municipality: MunicipalityCode,
    ) -> Result<RoomKeys, CryptoError> {
        self.rotate(municipality, KeyKind::Signing)
    }

    /// Cryptographic erasure (NIST SP 800-88): what the room's keys sealed can never be read again.
    ///
    /// Keys already handed out live until they are dropped: stop the room first.
    pub fn destroy_room(&self, municipality: MunicipalityCode) -> Result<(), CryptoError> {
        let _lock = files::lock(&self.folder.join(LOCK_FILE))?;
        files::destroy(&self.file_of(municipality))
    }

    /// Destroys every data key but the newest: what only they sealed can never be read again.
    ///
    /// Whoever calls has sealed anew what is to stay, and nobody holds the older keys any more.
    pub fn destroy_older_data_keys(
        &self,
        municipality: MunicipalityCode,
    ) -> Result<RoomKeys, CryptoError> {
        let _lock = files::lock(&self.folder.join(LOCK_FILE))?;
        let mut secrets = self.secrets(municipality)?.ok_or(CryptoError::UnknownKey)?;
        let is_data = |secret: &RoomSecret| secret.kind == KeyKind::Data;
        let newest = secrets.iter().filter(|secret| is_data(secret)).map(|secret| secret.id).max();
        secrets.retain(|secret| !is_data(secret) || Some(secret.id) == newest);
        self.write(municipality, &secrets)
    }

    /// Ends a room for good: its keys are destroyed, and none are ever made again.
    ///
    /// That it is closed is durable first, so that a crash in between can only end with the keys
    /// destroyed.
    pub fn close_room(&self, municipality: MunicipalityCode) -> Result<(), CryptoError> {
        let _lock = files::lock(&self.folder.join(LOCK_FILE))?;
        if !self.is_closed(municipality) {
            files::create(&self.closed_mark(municipality), b"closed\n")?;
        }
        files::destroy(&self.file_of(municipality))
    }

    /// Whether the room was closed for good.
    pub fn is_closed(&self, municipality: MunicipalityCode) -> bool {
        self.closed_mark(municipality).exists()
    }

    fn closed_mark(&self, municipality: MunicipalityCode) -> PathBuf {
        self.folder.join(format!("{municipality}.closed"))
    }

    fn rotate(
        &self,
        municipality: MunicipalityCode,
        kind: KeyKind,
    ) -> Result<RoomKeys, CryptoError> {
        let _lock = files::lock(&self.folder.join(LOCK_FILE))?;
        let mut secrets = self.secrets(municipality)?.ok_or(CryptoError::UnknownKey)?;
        let newest = secrets.iter().filter(|secret| secret.kind == kind).map(|secret| secret.id);
        let id = newest.max().unwrap_or(0).checked_add(1).ok_or(CryptoError::TooLarge)?;
        secrets.push(RoomSecret { kind, id, secret: random::make_secret()? });
        self.write(municipality, &secrets)
    }

    fn write(
        &self,
        municipality: MunicipalityCode,
        secrets: &[RoomSecret],
    ) -> Result<RoomKeys, CryptoError> {
        let keys = RoomKeys::prepare(municipality, secrets)?;
        let wrap = |secret| self.wrap(municipality, secret);
        let file = RoomFile {
            format: FORMAT,
            municipality,
            key_encryption_key: self.key_encryption_key_name.clone(),
            keys: secrets.iter().map(wrap).collect::<Result<_, _>>()?,
        };
        let json = serde_json::to_vec_pretty(&file).map_err(|_| CryptoError::Malformed)?;
        files::replace(&self.file_of(municipality), &json)?;
        Ok(keys)
    }

    fn secrets(
        &self,
        municipality: MunicipalityCode,
    ) -> Result<Option<Vec<RoomSecret>>, CryptoError> {
        let json = match files::read(&self.file_of(municipality)) {
            Err(CryptoError::KeyFile(ErrorKind::NotFound)) => {
                return expect_store(&self.folder).map(|()| None);
            }
            json => json?,
        };
        let file: RoomFile = serde_json::from_str(&json).map_err(|_| CryptoError::Malformed)?;
        if file.format != FORMAT || file.municipality != municipality {
            return Err(CryptoError::Malformed);
        }
        if file.key_encryption_key != self.key_encryption_key_name {
            return Err(CryptoError::OtherKeyEncryptionKey);
        }
        file.keys
            .iter()
            .map(|key| self.unwrap(municipality, key))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn wrap(
        &self,
        municipality: MunicipalityCode,
        secret: &RoomSecret,
    ) -> Result<WrappedKey, CryptoError> {
        let RoomSecret { kind, id, secret } = secret;
        let nonce = random::bytes::<NONCE_BYTES>()?;
        let aad = place(municipality, *kind, *id);
        let mut wrapped = Vec::with_capacity(NONCE_BYTES + secret.len() + TAG_BYTES);
        wrapped.extend_from_slice(&nonce);
        cipher::seal_onto(&mut wrapped, &self.key_encryption_key, &nonce, &aad, secret.as_slice())?;
        Ok(WrappedKey { kind: *kind, id: *id, wrapped: encoding::encode(&wrapped) })
    }

    fn unwrap(
        &self,
        municipality: MunicipalityCode,
        key: &WrappedKey,
    ) -> Result<RoomSecret, CryptoError> {
        let wrapped = encoding::decode(&key.wrapped)?;
        let (nonce, body) = wrapped.split_first_chunk().ok_or(CryptoError::Malformed)?;
        let aad = place(municipality, key.kind, key.id);
        let plain = cipher::open(&self.key_encryption_key, nonce, &aad, body)?;
        let secret = plain.as_slice().try_into().map_err(|_| CryptoError::Malformed)?;
        Ok(RoomSecret { kind: key.kind, id: key.id, secret: Zeroizing::new(secret) })
    }

    fn file_of(&self, municipality: MunicipalityCode) -> PathBuf {
        self.folder.join(format!("{municipality}.json"))
    }
}

/// A folder without the lock file is none of ours, or its disk has gone: then a missing room file
/// says nothing about the room.
fn expect_store(folder: &Path) -> Result<(), CryptoError> {
    let exists = folder.join(LOCK_FILE).is_file();
    exists.then_some(()).ok_or(CryptoError::KeyFile(ErrorKind::NotFound))
}

/// A wrapped key moved to another room, purpose or number does not unwrap there.
fn place(municipality: MunicipalityCode, kind: KeyKind, id: KeyId) -> Vec<u8> {
    length_prefixed(&[LABEL, municipality.as_str().as_bytes(), kind.label(), &id.to_be_bytes()])
}

/// A name that follows from the key, so that it cannot be given to another by mistake.
fn name_of(key_encryption_key: &Secret) -> String {
    let [a, b, c, d, e, f, ..] = finish(keyed(key_encryption_key).chain_update(KEK_NAME_LABEL));
    encoding::encode(&[a, b, c, d, e, f])
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyStore(redacted)")
    }
}

#[cfg(test)]
mod tests;
