use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::digest::length_prefixed;
use crate::padding::{self, Direction};
use crate::{AnswerKey, CryptoError, KeyId, Numbered, RoomKeys, SealingPublicKey, sha256};

type EncappedKey = <XWing as Kem>::EncappedKey;

const ENCAPPED_KEY_BYTES: usize = 1120;
/// Key id, encapsulated key, the smallest bucket and its tag.
const EMPTY_REQUEST_BYTES: usize = 4 + ENCAPPED_KEY_BYTES + 512 + 16;
const REQUEST: &[u8] = b"watari/request/1";
const CAPTURE: &[u8] = b"watari/capture/1";

/// Seals a request to a municipality (HPKE, RFC 9180, base mode) and keeps the key to its answer.
///
/// `context` is what everybody may read of the request, such as the inquiry's header.  It is not
/// sent along; the request opens only for somebody who has the same.  Returns
/// `key id || encapsulated key || ciphertext`, whose length tells only the bucket of `plain`.
///
/// Base mode does not say who sealed: sign the content.
pub fn seal_request(
    to: &Numbered<SealingPublicKey>,
    context: &[u8],
    plain: &[u8],
) -> Result<(Vec<u8>, AnswerKey), CryptoError> {
    let padded = padding::pad(Direction::Request, plain)?;
    let info = info(REQUEST, to.id, context);
    let (encapped, mut sender) =
        hpke::setup_sender::<AesGcm256, HkdfSha256, XWing>(&OpModeS::Base, to.key.as_hpke(), &info)
            .map_err(|_| CryptoError::Malformed)?;
    let encapped = encapped.to_bytes();
    let ciphertext = sender.seal(&padded, b"").map_err(|_| CryptoError::TooLarge)?;
    let answer = AnswerKey::export(&encapped, |label, secret| sender.export(label, secret))?;
    Ok(([&to.id.to_be_bytes(), encapped.as_slice(), &ciphertext].concat(), answer))
}

/// Seals what a venue's device captured; nobody answers it.
pub fn seal_capture(
    to: &Numbered<SealingPublicKey>,
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let padded = padding::pad(Direction::Request, plain)?;
    let info = info(CAPTURE, to.id, context);
    let (encapped, mut sender) =
        hpke::setup_sender::<AesGcm256, HkdfSha256, XWing>(&OpModeS::Base, to.key.as_hpke(), &info)
            .map_err(|_| CryptoError::Malformed)?;
    let ciphertext = sender.seal(&padded, b"").map_err(|_| CryptoError::TooLarge)?;
    Ok([&to.id.to_be_bytes(), encapped.to_bytes().as_slice(), &ciphertext].concat())
}

/// Opens what a device sealed to this municipality, with the current or a retired key.
pub fn open_capture(
    keys: &RoomKeys,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (id, encapped, ciphertext) = take_apart(sealed).ok_or(CryptoError::Malformed)?;
    let mut receiver = hpke::setup_receiver::<AesGcm256, HkdfSha256, XWing>(
        &OpModeR::Base,
        keys.sealing.get(id)?.private_key(),
        &EncappedKey::from_bytes(encapped).map_err(|_| CryptoError::Malformed)?,
        &info(CAPTURE, id, context),
    )
    .map_err(|_| CryptoError::Open)?;
    let padded = receiver.open(ciphertext, b"").map_err(|_| CryptoError::Open)?;
    padding::strip(Direction::Request, &Zeroizing::new(padded))
}

/// Opens what was sealed to this municipality, with the current or a retired key.
pub fn open_request(
    keys: &RoomKeys,
    context: &[u8],
    sealed: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, AnswerKey), CryptoError> {
    let (id, encapped, ciphertext) = take_apart(sealed).ok_or(CryptoError::Malformed)?;
    let mut receiver = hpke::setup_receiver::<AesGcm256, HkdfSha256, XWing>(
        &OpModeR::Base,
        keys.sealing.get(id)?.private_key(),
        &EncappedKey::from_bytes(encapped).map_err(|_| CryptoError::Malformed)?,
        &info(REQUEST, id, context),
    )
    .map_err(|_| CryptoError::Open)?;
    let padded = receiver.open(ciphertext, b"").map_err(|_| CryptoError::Open)?;
    let plain = padding::strip(Direction::Request, &Zeroizing::new(padded))?;
    let answer = AnswerKey::export(encapped, |label, secret| receiver.export(label, secret))?;
    Ok((plain, answer))
}

/// Seals a notice, which nobody answers: an empty request, and the content in the place and in the
/// buckets of its answer, for it may be as long as a full history.
pub fn seal_notice(
    to: &Numbered<SealingPublicKey>,
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let (mut sealed, key) = seal_request(to, context, b"")?;
    sealed.extend_from_slice(&key.seal_answer(plain)?);
    Ok(sealed)
}

/// Opens a notice that was sealed to this municipality.
pub fn open_notice(
    keys: &RoomKeys,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (request, content) =
        sealed.split_at_checked(EMPTY_REQUEST_BYTES).ok_or(CryptoError::Malformed)?;
    let (empty, key) = open_request(keys, context, request)?;
    if !empty.is_empty() {
        return Err(CryptoError::Malformed);
    }
    key.open_answer(content)
}

/// The context goes in as a digest, because HPKE bounds the length of `info`.
fn info(label: &[u8], key: KeyId, context: &[u8]) -> Vec<u8> {
    length_prefixed(&[label, &key.to_be_bytes(), &sha256(context)])
}

fn take_apart(sealed: &[u8]) -> Option<(KeyId, &[u8; ENCAPPED_KEY_BYTES], &[u8])> {
    let (id, rest) = sealed.split_first_chunk()?;
    let (encapped, ciphertext) = rest.split_first_chunk()?;
    Some((KeyId::from_be_bytes(*id), encapped, ciphertext))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::room_keys::tests::{room, rotated_room};

    /// A question that has been sealed and opened: both ends of the answer.
    pub(crate) fn asked(keys: &RoomKeys, context: &[u8]) -> (AnswerKey, AnswerKey) {
        let (sealed, asker) = seal_to(keys, context, b"question");
        let (plain, source) = open_request(keys, context, &sealed).unwrap();
        assert_eq!(plain.as_slice(), b"question");
        (asker, source)
    }

    fn seal_to(keys: &RoomKeys, context: &[u8], plain: &[u8]) -> (Vec<u8>, AnswerKey) {
        let published = keys.public_keys();
        seal_request(published.sealing_current().unwrap(), context, plain).unwrap()
    }

    #[test]
    fn only_the_addressee_opens_a_request_and_only_in_its_context() {
        let (adachi, koriyama) = (room("131211"), room("072036"));
        let (sealed, _) = seal_to(&adachi, b"inquiry 1", b"question");
        let open = |keys, context: &[u8]| open_request(keys, context, &sealed).map(|(p, _)| p);
        assert_eq!(open(&adachi, b"inquiry 1").unwrap().as_slice(), b"question");
        assert_eq!(open(&koriyama, b"inquiry 1"), Err(CryptoError::Open));
        assert_eq!(open(&adachi, b"inquiry 2"), Err(CryptoError::Open));
        assert_eq!(open(&adachi, b""), Err(CryptoError::Open));
    }

    #[test]
    fn only_the_addressee_opens_a_notice_and_only_in_its_context() {
        let (adachi, koriyama) = (room("131211"), room("072036"));
        let published = adachi.public_keys();
        for length in [0, 1_000, crate::ANSWER_BYTES_MAX] {
            let plain = vec![7; length];
            let to = published.sealing_current().unwrap();
            let mut sealed = seal_notice(to, b"notice 1", &plain).unwrap();
            assert_eq!(open_notice(&adachi, b"notice 1", &sealed).unwrap().as_slice(), plain);
            assert!(open_notice(&adachi, b"notice 2", &sealed).is_err());
            assert!(open_notice(&koriyama, b"notice 1", &sealed).is_err());
            assert!(open_notice(&adachi, b"notice 1", &sealed[..1_600]).is_err());
            *sealed.last_mut().unwrap() ^= 1;
            assert!(open_notice(&adachi, b"notice 1", &sealed).is_err());
        }
        let question = seal_to(&adachi, b"notice 1", b"question").0;
        assert!(open_notice(&adachi, b"notice 1", &question).is_err());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let keys = room("131211");
        let (sealed, _) = seal_to(&keys, b"inquiry", b"question");
        for bit in 0..sealed.len() * 8 {
            let mut broken = sealed.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(open_request(&keys, b"inquiry", &broken).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_cut_request_is_noticed() {
        let keys = room("131211");
        let (sealed, _) = seal_to(&keys, b"inquiry", b"question");
        for length in [0, 3, 4, 1123, 1124, 1130, sealed.len() - 1] {
            assert!(open_request(&keys, b"inquiry", &sealed[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn requests_of_one_bucket_have_one_length() {
        let keys = room("131211");
        let length = |plain_bytes| seal_to(&keys, b"inquiry", &vec![7; plain_bytes]).0.len();
        assert_eq!(length(0), length(508));
        assert_eq!(length(509), length(508) + 512);
    }

    #[test]
    fn a_request_sealed_before_a_rotation_still_opens() {
        let (before, after) = rotated_room("131211");
        let (old, _) = seal_to(&before, b"inquiry", b"question");
        assert!(open_request(&after, b"inquiry", &old).is_ok());

        let (new, _) = seal_to(&after, b"inquiry", b"question");
        let refusal = open_request(&before, b"inquiry", &new).err();
        assert_eq!(refusal, Some(CryptoError::UnknownKey));
    }

    #[test]
    fn a_capture_opens_for_its_municipality_in_its_place_and_is_no_request() {
        let (adachi, koriyama) = (room("131211"), room("072036"));
        let published = adachi.public_keys();
        let to = published.sealing_current().unwrap();
        let sealed = seal_capture(to, b"tablet-1/1", b"dose").unwrap();
        let open = |keys, context: &[u8]| open_capture(keys, context, &sealed);
        assert_eq!(open(&adachi, b"tablet-1/1").unwrap().as_slice(), b"dose");
        assert_eq!(open(&koriyama, b"tablet-1/1"), Err(CryptoError::Open));
        assert_eq!(open(&adachi, b"tablet-2/1"), Err(CryptoError::Open));
        assert!(open_request(&adachi, b"tablet-1/1", &sealed).is_err());
    }

    #[test]
    fn a_request_too_large_is_refused_before_sealing() {
        let published = room("131211").public_keys();
        let to = published.sealing_current().unwrap();
        let refusal = seal_request(to, b"inquiry", &[0; crate::REQUEST_BYTES_MAX + 1]).err();
        assert_eq!(refusal, Some(CryptoError::TooLarge));
    }
}
