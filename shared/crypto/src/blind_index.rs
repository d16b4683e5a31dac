use std::fmt;

use domain::IndividualNumber;
use hmac::Mac;

use crate::{RoomKeys, digest};

/// A keyed digest by which a room finds a person without keeping the number readable.
///
/// Equal numbers have equal indexes within one municipality and unrelated ones elsewhere.  It
/// stands for a person, so it has no `Serialize` and its `Debug` shows nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BlindIndex([u8; 32]);

impl RoomKeys {
    pub fn blind_index(&self, number: &IndividualNumber) -> BlindIndex {
        BlindIndex(digest::finish(self.index.clone().chain_update(number.reveal())))
    }
}

impl BlindIndex {
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::assert_not_impl_any;

    use super::*;
    use crate::room_keys::tests::{room, rotated_room};

    assert_not_impl_any!(BlindIndex: fmt::Display, serde::Serialize);

    #[test]
    fn the_same_person_has_unrelated_indexes_in_two_municipalities() {
        let (adachi, koriyama) = (room("131211"), room("072036"));
        let taro = IndividualNumber::parse("123456789018").unwrap();
        assert_eq!(adachi.blind_index(&taro), adachi.blind_index(&taro));
        assert_ne!(adachi.blind_index(&taro), koriyama.blind_index(&taro));
    }

    #[test]
    fn two_persons_differ_and_a_rotation_changes_nothing() {
        let (before, after) = rotated_room("131211");
        let [taro, hanako] = [1, 2].map(IndividualNumber::for_test);
        assert_ne!(before.blind_index(&taro), before.blind_index(&hanako));
        assert_eq!(before.blind_index(&taro), after.blind_index(&taro));
    }
}
