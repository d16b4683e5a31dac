use aes_gcm::Aes256Gcm;
use zeroize::Zeroizing;

use crate::cipher::{self, NONCE_BYTES};
use crate::digest::length_prefixed;
use crate::generations::Generations;
use crate::{CryptoError, KeyId, RoomKeys, random};

/// First byte of every sealed cell, so that another layout can live beside this one.
const DATA: u8 = 1;
/// The same layout under the record key.
const RECORD: u8 = 2;
const LABEL: &[u8] = b"watari/cell/1";
const RECORD_LABEL: &[u8] = b"watari/record-cell/1";

/// The place a sealed value lives in.  A ciphertext copied to another place does not open there.
///
/// The municipality is not named: it is that of the keys.  `version` is the version of the row, so
/// an older value put back over a newer one is noticed too.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    pub table: &'static str,
    pub column: &'static str,
    pub row: &'a [u8],
    pub version: u32,
}

impl RoomKeys {
    /// Returns `format || key id || nonce || ciphertext || tag`.
    ///
    /// The nonce is random: rotate the data key well before 2^32 cells, the bound of NIST SP
    /// 800-38D.
    pub fn seal(&self, cell: &Cell<'_>, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.seal_as(DATA, cell, plain)
    }

    /// The same for a table in which nothing may change: its rows can't be sealed anew, so they are
    /// not under the data key, which is destroyed in its turn.
    pub fn seal_record(&self, cell: &Cell<'_>, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.seal_as(RECORD, cell, plain)
    }

    fn seal_as(&self, format: u8, cell: &Cell<'_>, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = self.keys_of(format)?.current();
        let nonce = random::bytes::<NONCE_BYTES>()?;
        let mut sealed = Vec::with_capacity(1 + 4 + NONCE_BYTES + plain.len() + cipher::TAG_BYTES);
        sealed.push(format);
        sealed.extend_from_slice(&key.id.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        cipher::seal_onto(&mut sealed, &key.key, &nonce, &self.place(format, cell, key.id), plain)?;
        Ok(sealed)
    }

    pub fn open(&self, cell: &Cell<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (format, id, nonce, body) = take_apart(sealed).ok_or(CryptoError::Malformed)?;
        let key = self.keys_of(format)?.get(id)?;
        cipher::open(key, nonce, &self.place(format, cell, id), body)
    }

    /// What every cell under the current data key begins with.
    pub fn data_head(&self) -> Vec<u8> {
        let id = self.data.current().id.to_be_bytes();
        std::iter::once(DATA).chain(id).collect()
    }

    fn keys_of(&self, format: u8) -> Result<&Generations<Aes256Gcm>, CryptoError> {
        match format {
            DATA => Ok(&self.data),
            RECORD => Ok(&self.record),
            _ => Err(CryptoError::Malformed),
        }
    }

    /// The associated data: everything that must be the same when the value is opened.
    fn place(&self, format: u8, cell: &Cell<'_>, key: KeyId) -> Vec<u8> {
        length_prefixed(&[
            if format == RECORD { RECORD_LABEL } else { LABEL },
            self.municipality.as_str().as_bytes(),
            cell.table.as_bytes(),
            cell.column.as_bytes(),
            cell.row,
            &cell.version.to_be_bytes(),
            &key.to_be_bytes(),
        ])
    }
}

type Parts<'a> = (u8, KeyId, &'a [u8; NONCE_BYTES], &'a [u8]);

fn take_apart(sealed: &[u8]) -> Option<Parts<'_>> {
    let (format, rest) = sealed.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (nonce, body) = rest.split_first_chunk()?;
    Some((*format, KeyId::from_be_bytes(*id), nonce, body))
}

#[cfg(test)]
mod tests {
    use domain::MunicipalityCode;
    use proptest::prelude::*;

    use super::*;
    use crate::room_keys::make_secrets;
    use crate::room_keys::tests::{room, rotated_room};

    const CELL: Cell<'_> = Cell { table: "subject", column: "number", row: b"row-1", version: 1 };

    #[test]
    fn a_sealed_value_opens_only_in_its_own_cell() {
        let keys = room("131211");
        let sealed = keys.seal(&CELL, b"secret").unwrap();
        assert_eq!(keys.open(&CELL, &sealed).unwrap().as_slice(), b"secret");

        for elsewhere in [
            Cell { table: "vaccination", ..CELL },
            Cell { column: "name", ..CELL },
            Cell { row: b"row-2", ..CELL },
            Cell { version: 2, ..CELL },
            Cell { table: "subjectn", column: "umber", ..CELL },
        ] {
            assert_eq!(keys.open(&elsewhere, &sealed), Err(CryptoError::Open), "{elsewhere:?}");
        }
    }

    #[test]
    fn another_municipality_cannot_open_it_even_with_the_same_keys() {
        let secrets = make_secrets().unwrap();
        let [here, there] = ["131211", "072036"].map(|code| {
            RoomKeys::prepare(MunicipalityCode::parse(code).unwrap(), &secrets).unwrap()
        });
        let sealed = here.seal(&CELL, b"secret").unwrap();
        assert_eq!(there.open(&CELL, &sealed), Err(CryptoError::Open));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let keys = room("131211");
        let sealed = keys.seal(&CELL, b"secret").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut broken = sealed.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open(&CELL, &broken).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(keys.open(&CELL, &sealed[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_retired_data_key_opens_but_no_longer_seals() {
        let (before, after) = rotated_room("131211");
        let old = before.seal(&CELL, b"secret").unwrap();
        assert_eq!(after.open(&CELL, &old).unwrap().as_slice(), b"secret");

        let new = after.seal(&CELL, b"secret").unwrap();
        assert_eq!(before.open(&CELL, &new), Err(CryptoError::UnknownKey));
    }

    #[test]
    fn a_record_stays_readable_and_is_no_data_cell() {
        let keys = room("131211");
        let (record, data) = (keys.seal_record(&CELL, b"secret"), keys.seal(&CELL, b"secret"));
        let (record, data) = (record.unwrap(), data.unwrap());
        assert_eq!(keys.open(&CELL, &record).unwrap().as_slice(), b"secret");
        assert!(data.starts_with(&keys.data_head()) && !record.starts_with(&keys.data_head()));
        for (sealed, format) in [(record, DATA), (data, RECORD)] {
            let mut renamed = sealed;
            renamed[0] = format;
            assert_eq!(keys.open(&CELL, &renamed), Err(CryptoError::Open));
        }
    }

    #[test]
    fn equal_values_are_sealed_differently() {
        let keys = room("131211");
        assert_ne!(keys.seal(&CELL, b"secret"), keys.seal(&CELL, b"secret"));
    }

    proptest! {
        #[test]
        fn whatever_was_sealed_comes_back(plain: Vec<u8>, row: Vec<u8>, version: u32) {
            let keys = room("131211");
            let cell = Cell { row: &row, version, ..CELL };
            let sealed = keys.seal(&cell, &plain).unwrap();
            let opened = keys.open(&cell, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
        }
    }
}
