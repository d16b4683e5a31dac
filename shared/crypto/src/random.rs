use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::CryptoError;

/// Thirty-two secret bytes: every key of this house is born as one, whatever becomes of it later.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// Straight from the operating system, so no generator state lies in our memory.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| CryptoError::Random)?;
    Ok(bytes)
}

pub(crate) fn make_secret() -> Result<Secret, CryptoError> {
    let mut secret = Secret::default();
    SysRng.try_fill_bytes(secret.as_mut_slice()).map_err(|_| CryptoError::Random)?;
    Ok(secret)
}
