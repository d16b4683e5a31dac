use serde::{Deserialize, Serialize};

use crate::CryptoError;

/// The number of a key among the keys of the same purpose: 1, 2, 3 and so on.
pub type KeyId = u32;

/// A key and its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered<K> {
    pub id: KeyId,
    pub key: K,
}

/// Keys of one purpose: the newest works, the retired only open what they once sealed.
pub(crate) struct Generations<K> {
    current: Numbered<K>,
    retired: Vec<Numbered<K>>,
}

impl<K> Generations<K> {
    /// A purpose without any key is a damaged key file.
    pub(crate) fn new(keys: impl Iterator<Item = Numbered<K>>) -> Result<Self, CryptoError> {
        let mut retired: Vec<_> = keys.collect();
        retired.sort_by_key(|key| key.id);
        let current = retired.pop().ok_or(CryptoError::Malformed)?;
        retired.reverse();
        Ok(Self { current, retired })
    }

    pub(crate) fn current(&self) -> &Numbered<K> {
        &self.current
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Numbered<K>> {
        std::iter::once(&self.current).chain(&self.retired)
    }

    pub(crate) fn get(&self, id: KeyId) -> Result<&K, CryptoError> {
        self.newest_first()
            .find(|key| key.id == id)
            .map(|found| &found.key)
            .ok_or(CryptoError::UnknownKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generations(ids: &[KeyId]) -> Result<Generations<KeyId>, CryptoError> {
        Generations::new(ids.iter().map(|&id| Numbered { id, key: id * 10 }))
    }

    #[test]
    fn the_highest_number_is_current_in_whatever_order_they_come() {
        let keys = generations(&[2, 3, 1]).unwrap();
        assert_eq!(keys.current().id, 3);
        assert_eq!(keys.newest_first().map(|key| key.id).collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!(keys.get(1), Ok(&10));
        assert_eq!(keys.get(4), Err(CryptoError::UnknownKey));
    }

    #[test]
    fn a_purpose_without_keys_is_refused() {
        assert_eq!(generations(&[]).err(), Some(CryptoError::Malformed));
    }
}
