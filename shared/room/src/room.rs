use std::sync::Arc;

use crypto::RoomKeys;
use domain::MunicipalityCode;

use crate::writer::Queue;

/// One municipality's room: its keys and the queue of its writer.
pub struct Room {
    pub municipality: MunicipalityCode,
    pub keys: Arc<RoomKeys>,
    pub queue: Queue,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Room({})", self.municipality)
    }
}
