use std::io;

/// Why a cryptographic act failed.  No variant can carry a value, a path or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// Wrong key, wrong place, wrong context or changed bytes: which of them cannot be known.
    #[error("a sealed value did not open here")]
    Open,
    #[error("a key, a signature or a sealed value is not well formed")]
    Malformed,
    #[error("there is no key of this number")]
    UnknownKey,
    #[error("the signature does not match")]
    Signature,
    #[error("the content is larger than the largest envelope")]
    TooLarge,
    #[error("the operating system gave no random bytes")]
    Random,
    #[error("a key file could not be read or written: {0}")]
    KeyFile(io::ErrorKind),
    #[error("a key file may be read by everyone or written by others; restrict its mode")]
    KeyFileExposed,
    #[error("the room's keys are wrapped under another key-encryption key")]
    OtherKeyEncryptionKey,
}

/// Only the kind is kept: the text of an `io::Error` may name a path.
impl From<io::Error> for CryptoError {
    fn from(error: io::Error) -> Self {
        Self::KeyFile(error.kind())
    }
}
