use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::CryptoError;

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The buffer is wiped afterwards, because some of these texts are keys.
pub(crate) fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|_| CryptoError::Malformed)
}

pub(crate) fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], CryptoError> {
    decode(text)?.as_slice().try_into().map_err(|_| CryptoError::Malformed)
}
