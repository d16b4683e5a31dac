//! Wakes a background job for the rooms that have work for it, fairly and one at a time each.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use domain::MunicipalityCode;
use tokio::sync::Notify;

/// The rooms that wait for a job.
#[derive(Debug, Default)]
pub struct Wake {
    rooms: Mutex<Rooms>,
    woken: Notify,
}

#[derive(Debug, Default)]
struct Rooms {
    waiting: VecDeque<MunicipalityCode>,
    busy: HashSet<MunicipalityCode>,
    /// Has got more to do while it was worked on.
    again: HashSet<MunicipalityCode>,
}

impl Wake {
    /// Says that a room has work.
    pub fn ask(&self, room: MunicipalityCode) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.busy.contains(&room) {
            rooms.again.insert(room);
        } else if !rooms.waiting.contains(&room) {
            rooms.waiting.push_back(room);
            self.woken.notify_one();
        }
    }

    /// The room that has waited longest; nobody else gets it before it is [`done`](Self::done).
    pub async fn next(&self) -> MunicipalityCode {
        loop {
            if let Some(room) = self.take() {
                return room;
            }
            self.woken.notified().await;
        }
    }

    fn take(&self) -> Option<MunicipalityCode> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.waiting.pop_front()?;
        rooms.busy.insert(room);
        Some(room)
    }

    pub fn done(&self, room: MunicipalityCode) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.busy.remove(&room);
        if rooms.again.remove(&room) {
            rooms.waiting.push_back(room);
            self.woken.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_worked_on_by_one_at_a_time_and_forgotten_by_none() {
        let wake = Wake::default();
        let [one, other] = ["131211", "072036"].map(|code| MunicipalityCode::parse(code).unwrap());
        wake.ask(one);
        wake.ask(one);
        wake.ask(other);
        assert_eq!((wake.take(), wake.take(), wake.take()), (Some(one), Some(other), None));
        wake.ask(one);
        assert_eq!(wake.take(), None);
        wake.done(one);
        wake.done(other);
        assert_eq!((wake.take(), wake.take()), (Some(one), None));
    }
}
