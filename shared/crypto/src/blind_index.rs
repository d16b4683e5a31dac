use std::fmt;

use domain::subject::SubjectId;
use domain::vaccination::VaccinationId;
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, IndividualNumber, Likeness};
use hmac::Mac;

use crate::digest::length_prefixed;
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

    pub fn address_index(&self, number: &AddressNumber) -> BlindIndex {
        self.index_of(&[b"address", number.reveal().as_bytes()])
    }

    /// Voucher numbers are unique within the municipality that issued them, whose keys these are.
    pub fn voucher_index(&self, number: &VoucherNumber) -> BlindIndex {
        self.index_of(&[b"voucher", number.reveal().as_bytes()])
    }

    /// Finds entries that may be of one person.
    pub fn likeness_index(&self, likeness: &Likeness) -> BlindIndex {
        self.index_of(&[b"likeness", likeness.reveal().as_bytes()])
    }

    /// Tells whether a row of a file was met before, whatever it says.
    pub fn row_index(&self, row: &[u8]) -> BlindIndex {
        self.index_of(&[b"row", row])
    }

    /// The handle of a person's dose of this kind and number: the same dose registered twice, in
    /// whatever order and from whatever file, has one handle.
    pub fn dose_id(
        &self,
        subject: &SubjectId,
        vaccine_kind: Option<&str>,
        dose_number: u16,
    ) -> VaccinationId {
        let kind = vaccine_kind.unwrap_or_default();
        let subject = subject.0.as_bytes();
        let index = self.index_of(&[b"dose", subject, kind.as_bytes(), &dose_number.to_be_bytes()]);
        let (head, _) = index.0.split_first_chunk().unwrap_or((&[0; 16], &[]));
        VaccinationId(uuid::Builder::from_custom_bytes(*head).into_uuid())
    }

    /// Its parts are length-prefixed, so no kind of index can be mistaken for twelve digits or for
    /// another kind.
    fn index_of(&self, parts: &[&[u8]]) -> BlindIndex {
        BlindIndex(digest::finish(self.index.clone().chain_update(length_prefixed(parts))))
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
    fn a_dose_has_one_handle_and_other_doses_have_others() {
        let (adachi, koriyama) = (room("131211"), room("072036"));
        let [one, other] = [SubjectId::make_random(), SubjectId::make_random()];
        let id = adachi.dose_id(&one, None, 1);
        assert_eq!(id, adachi.dose_id(&one, None, 1));
        let others = [
            adachi.dose_id(&one, None, 2),
            adachi.dose_id(&one, Some("flu"), 1),
            adachi.dose_id(&other, None, 1),
            koriyama.dose_id(&one, None, 1),
        ];
        assert!(!others.contains(&id));
    }

    #[test]
    fn no_kind_of_index_is_another() {
        let keys = room("131211");
        let number = VoucherNumber::parse("0000000042").unwrap();
        let address = AddressNumber::parse("0000000042").unwrap();
        let row = b"0000000042";
        let indexes = [keys.voucher_index(&number), keys.address_index(&address)];
        assert_ne!(indexes[0], indexes[1]);
        assert!(!indexes.contains(&keys.row_index(row)));
    }

    #[test]
    fn two_persons_differ_and_a_rotation_changes_nothing() {
        let (before, after) = rotated_room("131211");
        let [taro, hanako] = [1, 2].map(IndividualNumber::for_test);
        assert_ne!(before.blind_index(&taro), before.blind_index(&hanako));
        assert_eq!(before.blind_index(&taro), after.blind_index(&taro));
    }
}
