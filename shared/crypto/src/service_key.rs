use std::fmt;
use std::path::Path;

use ed25519_dalek::Signer;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use zeroize::Zeroizing;

use crate::random::{self, Secret};
use crate::{CryptoError, Purpose, Signature, VerifyingKey, files};

/// An Ed25519 private key: of a room (kept wrapped) or of a service (kept in a PEM file).
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    pub fn make_random() -> Result<Self, CryptoError> {
        Ok(Self::new(&random::make_secret()?))
    }

    /// Reads a PKCS#8 PEM file, such as `openssl genpkey -algorithm ed25519` writes.
    pub fn load(file: &Path) -> Result<Self, CryptoError> {
        let pem = files::read(file)?;
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(&pem);
        Ok(Self(key.map_err(|_| CryptoError::Malformed)?))
    }

    /// Makes a key and its file, readable by the owner only; refuses to overwrite a file.
    pub fn create(file: &Path) -> Result<Self, CryptoError> {
        let key = Self::make_random()?;
        files::create(file, key.reveal_pem()?.as_bytes())?;
        Ok(key)
    }

    /// The private key as PKCS#8 PEM, for the library that signs tokens.
    pub fn reveal_pem(&self) -> Result<Zeroizing<String>, CryptoError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| CryptoError::Malformed)
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Signature {
        Signature(self.0.sign(&purpose.signed_bytes(message)))
    }

    /// Hands the key over to the ledger, which signs checkpoints in a format of its own.
    pub fn into_ed25519(self) -> ed25519_dalek::SigningKey {
        self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;

    use static_assertions::assert_not_impl_any;

    use super::*;

    assert_not_impl_any!(SigningKey: fmt::Display, Clone, serde::Serialize);

    #[test]
    fn a_key_survives_its_file_which_only_the_owner_reads() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("directory.pem");
        let made = SigningKey::create(&file).unwrap();
        assert_eq!(SigningKey::load(&file).unwrap().verifying_key(), made.verifying_key());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_file_is_never_overwritten() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("directory.pem");
        let made = SigningKey::create(&file).unwrap();
        let refusal = SigningKey::create(&file).err();
        assert_eq!(refusal, Some(CryptoError::KeyFile(ErrorKind::AlreadyExists)));
        assert_eq!(SigningKey::load(&file).unwrap().verifying_key(), made.verifying_key());
    }

    #[test]
    fn missing_and_damaged_files_are_different_errors() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("directory.pem");
        let missing = SigningKey::load(&file).err();
        assert_eq!(missing, Some(CryptoError::KeyFile(ErrorKind::NotFound)));
        files::create(&file, b"-----BEGIN PRIVATE KEY-----\nAAAA\n").unwrap();
        assert_eq!(SigningKey::load(&file).err(), Some(CryptoError::Malformed));
    }

    #[test]
    fn the_same_key_signs_tokens() {
        let key = SigningKey::make_random().unwrap();
        let pem = key.reveal_pem().unwrap();
        let signer = jsonwebtoken::EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        let token = jsonwebtoken::encode(&header, &[7], &signer).unwrap();

        let (message, signature) = token.rsplit_once('.').unwrap();
        let verifier = jsonwebtoken::DecodingKey::from_ed_der(key.verifying_key().as_bytes());
        let algorithm = jsonwebtoken::Algorithm::EdDSA;
        let verify = |message: &[u8]| {
            jsonwebtoken::crypto::verify(signature, message, &verifier, algorithm).unwrap()
        };
        assert!(verify(message.as_bytes()));
        assert!(!verify(b"another message"));
    }

    #[test]
    fn the_same_key_signs_checkpoints() {
        let key = SigningKey::make_random().unwrap();
        let verifier = key.verifying_key().to_ed25519();
        let signature = key.into_ed25519().sign(b"log\n1\nroot\n");
        assert!(verifier.verify_strict(b"log\n1\nroot\n", &signature).is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SigningKey::make_random().unwrap();
        assert_eq!(format!("{key:#?}"), "SigningKey(redacted)");
    }
}
