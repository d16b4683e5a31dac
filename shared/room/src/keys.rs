//! The keys of a running room: new ones come, old ones go, and nobody is left holding an old one.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use crypto::{CryptoError, KeyStore, RoomKeys};
use domain::MunicipalityCode;
use service::ApiError;

use crate::problems;

/// The keys a room works with now, and the store they come from.
///
/// Take the keys for one act and let them go with it: an older data key is destroyed only when no
/// act holds it any more.
pub struct KeyRing {
    store: Arc<KeyStore>,
    municipality: MunicipalityCode,
    /// None once the room is closed for good.
    current: RwLock<Option<Arc<RoomKeys>>>,
    /// What acts under way may still hold.
    former: Mutex<Vec<Weak<RoomKeys>>>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({})", self.municipality)
    }
}

impl KeyRing {
    pub fn new(store: Arc<KeyStore>, keys: RoomKeys) -> Self {
        let municipality = keys.municipality();
        let current = RwLock::new(Some(Arc::new(keys)));
        Self { store, municipality, current, former: Mutex::default() }
    }

    pub fn municipality(&self) -> MunicipalityCode {
        self.municipality
    }

    /// The keys for one act.
    pub fn current(&self) -> Result<Arc<RoomKeys>, ApiError> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone().ok_or_else(|| ApiError::new(&problems::ROOM_CLOSED))
    }

    pub fn is_closed(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Whether the room was closed for good; keys that are only missing may come back.
    pub fn has_ended(&self) -> bool {
        self.store.is_closed(self.municipality)
    }

    /// Makes a new data key, durable before anything is sealed with it.
    pub fn rotate(&self) -> Result<(), CryptoError> {
        let keys = self.store.rotate_data_key(self.municipality)?;
        self.replace(Some(keys));
        Ok(())
    }

    /// Destroys every data key but the newest; only when nothing is sealed with them any more and
    /// [`is_settled`](Self::is_settled) says that nobody can do so.
    pub fn destroy_older(&self) -> Result<(), CryptoError> {
        let keys = self.store.destroy_older_data_keys(self.municipality)?;
        self.replace(Some(keys));
        Ok(())
    }

    /// Ends the room: its keys are destroyed, and none are ever made again.
    pub fn close(&self) -> Result<(), CryptoError> {
        self.store.close_room(self.municipality)?;
        self.replace(None);
        Ok(())
    }

    /// Reads the store again, where another process may have changed it; whether it has.
    pub fn refresh(&self) -> Result<bool, CryptoError> {
        let stored = self.store.room(self.municipality)?;
        let known = self.current().ok().map(|keys| keys.data_keys());
        let is_changed = stored.as_ref().map(RoomKeys::data_keys) != known;
        if is_changed {
            self.replace(stored);
        }
        Ok(is_changed)
    }

    /// Whether every act that took its keys before the last change has ended.
    pub fn is_settled(&self) -> bool {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|keys| keys.strong_count() > 0);
        former.is_empty()
    }

    fn replace(&self, keys: Option<RoomKeys>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *current, keys.map(Arc::new));
        let mut older = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        older.extend(former.as_ref().map(Arc::downgrade));
    }
}
