use zeroize::Zeroizing;

use crate::CryptoError;

const LENGTH_BYTES: usize = 4;
const REQUEST_STEP_BYTES: usize = 512;
const REQUEST_BUCKET_BYTES_MAX: usize = 8 * REQUEST_STEP_BYTES;
const ANSWER_BUCKETS_BYTES: [usize; 5] = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10];

/// The longest content of a request.
pub const REQUEST_BYTES_MAX: usize = REQUEST_BUCKET_BYTES_MAX - LENGTH_BYTES;
/// The longest content of an answer.
pub const ANSWER_BYTES_MAX: usize = (256 << 10) - LENGTH_BYTES;

/// Which way an envelope goes; each way has its own buckets.
///
/// Answers differ more than requests do ("nothing" is short, a full history is long), so their
/// buckets are fewer and wider.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Request,
    Answer,
}

impl Direction {
    fn bucket_bytes(self, content_bytes: usize) -> Option<usize> {
        let needed = content_bytes.checked_add(LENGTH_BYTES)?;
        match self {
            Self::Request => needed
                .checked_next_multiple_of(REQUEST_STEP_BYTES)
                .filter(|bucket| *bucket <= REQUEST_BUCKET_BYTES_MAX),
            Self::Answer => ANSWER_BUCKETS_BYTES.into_iter().find(|bucket| needed <= *bucket),
        }
    }
}

/// Returns `length || content || zeros`, as long as its bucket.
pub(crate) fn pad(direction: Direction, plain: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let bucket_bytes = direction.bucket_bytes(plain.len()).ok_or(CryptoError::TooLarge)?;
    let length = u32::try_from(plain.len()).map_err(|_| CryptoError::TooLarge)?;
    let mut padded = Zeroizing::new(Vec::with_capacity(bucket_bytes));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(plain);
    padded.resize(bucket_bytes, 0);
    Ok(padded)
}

/// Refuses anything [`pad`] would not have written: a sloppy sender would give lengths away.
pub(crate) fn strip(
    direction: Direction,
    padded: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let content = content(direction, padded).ok_or(CryptoError::Malformed)?;
    Ok(Zeroizing::new(content.to_vec()))
}

fn content(direction: Direction, padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (content, zeros) = rest.split_at_checked(length)?;
    let canonical = direction.bucket_bytes(length) == Some(padded.len());
    (canonical && zeros.iter().all(|byte| *byte == 0)).then_some(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Direction; 2] = [Direction::Request, Direction::Answer];

    #[test]
    fn sizes_step_at_the_edges_of_the_buckets() {
        let padded = |direction, length| pad(direction, &vec![7; length]).map(|p| p.len());
        for (direction, length, want) in [
            (Direction::Request, 0, Ok(512)),
            (Direction::Request, 508, Ok(512)),
            (Direction::Request, 509, Ok(1024)),
            (Direction::Request, REQUEST_BYTES_MAX, Ok(4096)),
            (Direction::Request, REQUEST_BYTES_MAX + 1, Err(CryptoError::TooLarge)),
            (Direction::Answer, 0, Ok(1024)),
            (Direction::Answer, 1020, Ok(1024)),
            (Direction::Answer, 1021, Ok(4096)),
            (Direction::Answer, ANSWER_BYTES_MAX, Ok(262_144)),
            (Direction::Answer, ANSWER_BYTES_MAX + 1, Err(CryptoError::TooLarge)),
        ] {
            assert_eq!(padded(direction, length), want, "{direction:?} of {length} bytes");
        }
    }

    #[test]
    fn padding_that_is_not_ours_is_refused() {
        for direction in BOTH {
            let good = pad(direction, b"content").unwrap();
            let mut ends_in_one = good.to_vec();
            *ends_in_one.last_mut().unwrap() = 1;
            let mut next_bucket = good.to_vec();
            next_bucket.resize(4096, 0);
            let mut too_long = good.to_vec();
            too_long[0] = 0xff;
            for bad in [&ends_in_one[..], &next_bucket, &too_long, &good[..100], b"", b"\0\0\0\0"] {
                assert_eq!(strip(direction, bad), Err(CryptoError::Malformed), "{direction:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_was_padded_comes_back(
            plain in proptest::collection::vec(any::<u8>(), 0..REQUEST_BYTES_MAX),
        ) {
            for direction in BOTH {
                let stripped = strip(direction, &pad(direction, &plain).unwrap()).unwrap();
                prop_assert_eq!(stripped.as_slice(), plain.as_slice());
            }
        }

        /// Only the bucket shows, and a longer content never has a smaller one.
        #[test]
        fn a_length_tells_no_more_than_its_bucket(
            shorter in 0..REQUEST_BYTES_MAX, longer in 0..REQUEST_BYTES_MAX,
        ) {
            prop_assume!(shorter <= longer);
            for direction in BOTH {
                let [small, large] = [shorter, longer].map(|n| direction.bucket_bytes(n).unwrap());
                prop_assert!(small <= large);
                prop_assert!(large >= longer + LENGTH_BYTES);
            }
        }

        #[test]
        fn no_bytes_make_stripping_panic(bytes: Vec<u8>) {
            for direction in BOTH {
                let _ = strip(direction, &bytes);
            }
        }
    }
}
