use std::sync::Arc;

use crypto::RoomKeys;
use domain::MunicipalityCode;
use service::ApiError;

use crate::keys::KeyRing;
use crate::writer::Queue;

/// One municipality's room: its keys and the queue of its writer.
pub struct Room {
    pub municipality: MunicipalityCode,
    pub ring: Arc<KeyRing>,
    pub queue: Queue,
}

impl Room {
    /// The keys for one act; they change while the room runs, so no act keeps them for the next.
    pub fn keys(&self) -> Result<Arc<RoomKeys>, ApiError> {
        self.ring.current()
    }

    /// Whether the room was closed for good while it was hosted.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room({})", self.municipality)
    }
}
