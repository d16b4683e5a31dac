use std::fmt;

/// The municipality whose rows a transaction may see: exactly six ASCII digits.
///
/// It is written into `SET LOCAL`, which takes no bind parameter; six digits can't be anything but
/// six digits there.  Whether such a municipality exists is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomKey([u8; 6]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room key is six digits")]
pub struct InvalidRoomKey;

impl RoomKey {
    pub fn parse(text: &str) -> Result<Self, InvalidRoomKey> {
        let digits: [u8; 6] = text.as_bytes().try_into().map_err(|_| InvalidRoomKey)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(InvalidRoomKey) }
    }
}

impl fmt::Display for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_a_room_key() {
        assert_eq!(RoomKey::parse("131211").unwrap().to_string(), "131211");
        assert_eq!(RoomKey::parse("000000").unwrap().to_string(), "000000");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "13121",
            "1312111",
            "13121a",
            "13121'",
            "'; --1",
            "13121 ",
            " 13121",
            "１３１２１１",
            "13１１",
            "-13121",
            "+13121",
            "13.121",
            "13121\n",
            "13121\0",
            "\\13121",
            "0x1312",
        ] {
            assert_eq!(RoomKey::parse(text), Err(InvalidRoomKey), "{text:?}");
        }
    }
}
