use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::random::Secret;

pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

pub(crate) fn prepare(key: &Secret) -> Aes256Gcm {
    let key: &[u8; 32] = key;
    Aes256Gcm::new(key.into())
}

/// Appends ciphertext and tag to `out`, which may already hold a header.
pub(crate) fn seal_onto(
    out: &mut Vec<u8>,
    key: &Aes256Gcm,
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    plain: &[u8],
) -> Result<(), CryptoError> {
    let header_bytes = out.len();
    out.reserve(plain.len() + TAG_BYTES);
    out.extend_from_slice(plain);
    let (_, body) = out.split_at_mut(header_bytes);
    let tag = key
        .encrypt_inout_detached(nonce.into(), aad, body.into())
        .map_err(|_| CryptoError::TooLarge)?;
    out.extend_from_slice(&tag);
    Ok(())
}

pub(crate) fn open(
    key: &Aes256Gcm,
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (body, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(CryptoError::Malformed)?;
    let mut plain = Zeroizing::new(body.to_vec());
    key.decrypt_inout_detached(nonce.into(), aad, plain.as_mut_slice().into(), tag.into())
        .map_err(|_| CryptoError::Open)?;
    Ok(plain)
}
