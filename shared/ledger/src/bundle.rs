//! Entry bundles: the bodies of up to 256 entries in one file (C2SP tlog-tiles).
//!
//! Each body stands behind its length as two bytes, big-endian.  Ours says more than the
//! convention: length 0 means that the body was destroyed.

use crate::tile::{TILE_WIDTH, index_path, width_suffix};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBundle {
    #[error("a bundle holds 1 to 256 entries")]
    Entries,
    #[error("a body is 1 to 65,535 bytes")]
    Body,
    #[error("the bundle ends within an entry")]
    CutOff,
}

/// Joins the bodies; `None` is a body that was destroyed.
pub fn write_bundle(bodies: &[Option<&[u8]>]) -> Result<Vec<u8>, InvalidBundle> {
    if !(1..=TILE_WIDTH).contains(&bodies.len()) {
        return Err(InvalidBundle::Entries);
    }
    let mut bundle = Vec::new();
    for body in bodies {
        let bytes = body.unwrap_or_default();
        let length = u16::try_from(bytes.len()).map_err(|_| InvalidBundle::Body)?;
        if body.is_some() && length == 0 {
            return Err(InvalidBundle::Body);
        }
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(bytes);
    }
    Ok(bundle)
}

/// Reads the bodies back; `None` is a body that was destroyed.
pub fn read_bundle(mut bundle: &[u8]) -> Result<Vec<Option<Vec<u8>>>, InvalidBundle> {
    let mut bodies = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk().ok_or(InvalidBundle::CutOff)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (body, rest) = rest.split_at_checked(length).ok_or(InvalidBundle::CutOff)?;
        bodies.push((length > 0).then(|| body.to_vec()));
        bundle = rest;
    }
    if (1..=TILE_WIDTH).contains(&bodies.len()) { Ok(bodies) } else { Err(InvalidBundle::Entries) }
}

/// The path of bundle number `index` (the entries from `index * 256` on) with this many entries.
#[must_use]
pub fn bundle_path(index: u64, width: usize) -> String {
    format!("tile/entries/{}{}", index_path(index), width_suffix(width))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_convention() {
        let bundle = write_bundle(&[Some(b"ab"), None, Some(b"c")]);
        assert_eq!(bundle, Ok(b"\0\x02ab\0\0\0\x01c".to_vec()));
        assert_eq!(bundle_path(1_234_067, 256), "tile/entries/x001/x234/067");
        assert_eq!(bundle_path(0, 1), "tile/entries/000.p/1");
    }

    #[test]
    fn what_no_bundle_can_hold_is_refused() {
        let long = vec![b'x'; 65_536];
        let longest = vec![b'x'; 65_535];
        assert_eq!(write_bundle(&[]), Err(InvalidBundle::Entries));
        assert_eq!(write_bundle(&[None; 257]), Err(InvalidBundle::Entries));
        assert_eq!(write_bundle(&[Some(b"")]), Err(InvalidBundle::Body));
        assert_eq!(write_bundle(&[Some(&long)]), Err(InvalidBundle::Body));
        let bundle = write_bundle(&[Some(&longest)]).unwrap();
        assert_eq!(read_bundle(&bundle), Ok(vec![Some(longest)]));
        assert_eq!(read_bundle(b""), Err(InvalidBundle::Entries));
        assert_eq!(read_bundle(&[0; 514]), Err(InvalidBundle::Entries));
        for cut in [&b"\0"[..], b"\0\x01", b"\0\x01ab"] {
            assert_eq!(read_bundle(cut), Err(InvalidBundle::CutOff));
        }
    }

    fn bodies() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
        let body = prop::collection::vec(any::<u8>(), 1..40);
        prop::collection::vec(prop::option::of(body), 1..=256)
    }

    proptest! {
        #[test]
        fn every_bundle_is_read_back(bodies in bodies()) {
            let borrowed: Vec<Option<&[u8]>> = bodies.iter().map(Option::as_deref).collect();
            let bundle = write_bundle(&borrowed).unwrap();
            prop_assert_eq!(read_bundle(&bundle), Ok(bodies));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(
            bytes in prop::collection::vec(prop_oneof![Just(0), 0..4u8, any::<u8>()], 0..100),
        ) {
            if let Ok(bodies) = read_bundle(&bytes) {
                let borrowed: Vec<Option<&[u8]>> = bodies.iter().map(Option::as_deref).collect();
                prop_assert_eq!(write_bundle(&borrowed), Ok(bytes));
            }
        }
    }
}
