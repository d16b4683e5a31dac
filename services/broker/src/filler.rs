//! Sizes of sealed answers, and bytes that look like one.

/// What sealing adds to a bucket: 32 random bytes in front, a tag of 16 behind.
const SEALING_BYTES: usize = 32 + 16;

/// The buckets that answers are padded to.
const BUCKETS_BYTES: [usize; 5] = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10];

/// A sealed "nothing" is always this long; a test compares it with one really sealed.
const NOTHING_BYTES: usize = (1 << 10) + SEALING_BYTES;

/// Random bytes of the size of a sealed "nothing", for a code that no room has.
pub(crate) fn make_random() -> Vec<u8> {
    let mut bytes = vec![0; NOTHING_BYTES];
    rand::fill(bytes.as_mut_slice());
    bytes
}

/// Whether a sealed answer tells no more by its length than it should.
pub(crate) fn is_size_fit(sealed: &[u8], is_provided: bool) -> bool {
    if is_provided {
        sealed.len().checked_sub(SEALING_BYTES).is_some_and(|b| BUCKETS_BYTES.contains(&b))
    } else {
        sealed.len() == NOTHING_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filler_is_as_long_as_nothing_and_never_the_same() {
        let (one, other) = (make_random(), make_random());
        assert!(is_size_fit(&one, false) && is_size_fit(&one, true));
        assert_ne!(one, other);
    }

    #[test]
    fn a_longer_nothing_would_give_itself_away() {
        let longer = vec![0; (4 << 10) + SEALING_BYTES];
        assert!(is_size_fit(&longer, true));
        assert!(!is_size_fit(&longer, false));
        assert!(!is_size_fit(&longer[1..], true));
        assert!(!is_size_fit(b"", true));
    }
}
