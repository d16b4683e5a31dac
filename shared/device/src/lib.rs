//! What a venue's device does with a dose before it leaves its hands, and how the municipality
//! opens it again: checked, signed by the device, sealed to the municipality.
//!
//! Invariant: nothing that was not checked is sealed; nothing leaves unsealed.
//! Invariant: a capture counts only if the device that was registered under that name signed it,
//! so whoever carries sealed captures can neither read one nor make one.

use crypto::{
    CryptoError, Numbered, Purpose, RoomKeys, SealingPublicKey, Signature, SigningKey,
    VerifyingKey, open_capture, seal_capture,
};
use domain::capture::Capture;
use domain::{MunicipalityCode, TerminalId};
use uuid::Uuid;
use wire::intake::{SealedCapture, binding};
use zeroize::Zeroizing;

const SIGNATURE_BYTES: usize = 64;

/// A device of one municipality with its own signing key.
#[derive(Debug)]
pub struct Device {
    pub municipality: MunicipalityCode,
    pub name: TerminalId,
    pub key: SigningKey,
}

/// Why a sealed capture does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    #[error(transparent)]
    Sealed(#[from] CryptoError),
    #[error("the registered device did not sign this")]
    Signature,
    #[error("the content is not a capture")]
    Content,
}

impl Device {
    /// Signs a capture and seals it to the municipality's key.
    pub fn seal(
        &self,
        to: &Numbered<SealingPublicKey>,
        capture: &Capture,
    ) -> Result<SealedCapture, CryptoError> {
        let context = binding(self.municipality, &self.name, capture.id);
        let content = capture.write().ok_or(CryptoError::Malformed)?;
        let signature = self.key.sign(Purpose::Capture, &signed(&context, &content));
        let plain = Zeroizing::new([signature.to_bytes().as_slice(), &content].concat());
        let sealed = seal_capture(to, &context, &plain)?;
        Ok(SealedCapture { id: capture.id, key_id: to.id, sealed: sealed.into() })
    }
}

/// Where a sealed capture says it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub device: &'a TerminalId,
    pub id: Uuid,
    /// The key the device was registered with.
    pub key: &'a VerifyingKey,
}

/// Opens what a device of this room sealed.
pub fn open(keys: &RoomKeys, origin: Origin<'_>, sealed: &[u8]) -> Result<Capture, NotOurs> {
    let context = binding(keys.municipality(), origin.device, origin.id);
    let plain = open_capture(keys, &context, sealed)?;
    let (signature, content) = plain.split_at_checked(SIGNATURE_BYTES).ok_or(NotOurs::Content)?;
    let signature = Signature::try_from(signature).map_err(|_| NotOurs::Signature)?;
    let signed = signed(&context, content);
    origin.key.verify(Purpose::Capture, &signed, &signature).map_err(|_| NotOurs::Signature)?;
    let capture = Capture::read(content, keys.municipality()).ok_or(NotOurs::Content)?;
    if capture.id == origin.id { Ok(capture) } else { Err(NotOurs::Content) }
}

/// The signature is about the capture in its place; the context has no line break.
fn signed(context: &[u8], content: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([context, b"\n", content].concat())
}

#[cfg(test)]
mod tests {
    use crypto::KeyStore;
    use domain::capture::Ticket;
    use domain::vaccination::{Status, Vaccination};
    use time::macros::date;

    use super::*;

    fn keys() -> RoomKeys {
        let disk = tempfile::tempdir().unwrap();
        let store = KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms"));
        store.unwrap().make_room(adachi()).unwrap()
    }

    fn adachi() -> MunicipalityCode {
        MunicipalityCode::parse("131211").unwrap()
    }

    fn tablet(name: &str) -> Device {
        let key = SigningKey::make_random().unwrap();
        Device { municipality: adachi(), name: TerminalId::parse(name).unwrap(), key }
    }

    fn capture() -> Capture {
        Capture {
            id: Uuid::now_v7(),
            voucher: Ticket::read("211312110000000042", adachi()).unwrap(),
            dose: Vaccination {
                status: Status::Done,
                dose_number: 1,
                date: date!(2026 - 04 - 01),
                maker: "ファイザー".to_owned(),
                lot: "EX0001".to_owned(),
                product: None,
                vaccine_kind: None,
                venue: Some("会場".repeat(30)),
            },
            captured_at_unix_ms: 1,
        }
    }

    #[test]
    fn only_what_the_registered_device_signed_in_this_place_opens() {
        let (keys, one, other) = (keys(), tablet("tablet-1"), tablet("tablet-2"));
        let capture = capture();
        let public = keys.public_keys();
        let sealed = one.seal(public.sealing_current().unwrap(), &capture).unwrap();
        assert!(sealed.sealed.0.len() <= wire::intake::SEALED_BYTES_MAX);
        let verifying = [one.key.verifying_key(), other.key.verifying_key()];
        let origin = |device: &'static str, id, key| {
            let device = TerminalId::parse(device).unwrap();
            open(&keys, Origin { device: &device, id, key }, &sealed.sealed.0)
        };
        assert_eq!(origin("tablet-1", capture.id, &verifying[0]), Ok(capture.clone()));
        assert_eq!(origin("tablet-1", capture.id, &verifying[1]), Err(NotOurs::Signature));
        assert!(origin("tablet-2", capture.id, &verifying[1]).is_err());
        assert!(origin("tablet-1", Uuid::now_v7(), &verifying[0]).is_err());
    }

    #[test]
    fn what_somebody_else_sealed_to_the_municipality_does_not_count() {
        let (keys, one) = (keys(), tablet("tablet-1"));
        let (public, id) = (keys.public_keys(), Uuid::now_v7());
        let context = binding(adachi(), &one.name, id);
        let forged = [&[0; 64], capture().write().unwrap().as_slice()].concat();
        let sealed = seal_capture(public.sealing_current().unwrap(), &context, &forged).unwrap();
        let key = one.key.verifying_key();
        let opened = open(&keys, Origin { device: &one.name, id, key: &key }, &sealed);
        assert_eq!(opened, Err(NotOurs::Signature));
    }
}
