use std::sync::Arc;

use crypto::RoomKeys;
use domain::MunicipalityCode;

use crate::writer::Queue;

/// One municipality's room: its keys and the queue of its writer.
pub(crate) struct Room {
    pub(crate) municipality: MunicipalityCode,
    pub(crate) keys: Arc<RoomKeys>,
    pub(crate) queue: Queue,
}
