//! Inquiries written by hand, with the real keys of a test's own site: every part can be forged.

use crypto::{AnswerKey, KeyStore, Purpose, RoomKeys, seal_request, sha256};
use domain::{
    Clock as _, Confirmation, IndividualNumber, InquiryHeader, InquiryId, MunicipalityCode,
    RequestId, ServiceKind, SystemClock,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use wire::broker::{BrokerInquiry, InquiryPermit, PERMIT_ISSUER};
use wire::partition::{PROVIDE, ProvideAnswer, ProvideRequest};
use wire::{Base64Bytes, CallError};

use crate::support::World;

/// A room's keys, as whoever steals its key file and the key-encryption key has them.
pub(super) fn room_keys(world: &World, room: MunicipalityCode) -> RoomKeys {
    let keys = &world.site.settings.partition().unwrap().keys;
    let store = KeyStore::open(&keys.key_encryption_key, &keys.folder).unwrap();
    store.room(room).unwrap().unwrap()
}

/// The broker's own key, with which anything can be permitted.
pub(super) fn permit_key(world: &World) -> EncodingKey {
    let file = &world.site.settings.broker().unwrap().permit_key;
    EncodingKey::from_ed_pem(&std::fs::read(file).unwrap()).unwrap()
}

pub(super) fn now_unix_s() -> i64 {
    SystemClock.now().unix_timestamp()
}

/// What Koriyama's partition writes on an inquiry to Adachi.
pub(super) fn header(world: &World) -> InquiryHeader {
    let clerk = &world.cast.koriyama.clerk;
    InquiryHeader {
        inquiry: InquiryId::make_random(),
        inquirer: world.cast.koriyama.code,
        provider: world.cast.adachi.code,
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        items: "vaccination".to_owned(),
        confirmation: Confirmation::ResidentRegister,
        operator: clerk.id.clone(),
        terminal: clerk.terminal.clone(),
        asked_at_unix_s: now_unix_s(),
    }
}

/// The content of an inquiry: the number, and the inquirer's signature over header and number.
pub(super) fn content(
    signer: &RoomKeys,
    header: &InquiryHeader,
    number: &IndividualNumber,
) -> Vec<u8> {
    let signed = [header.to_signed_bytes().as_slice(), number.reveal().as_bytes()].concat();
    let signature = signer.sign(Purpose::InquiryContent, &signed).to_bytes();
    [number.reveal().as_bytes(), &signature].concat()
}

/// Seals any content to a room, bound to a header.
pub(super) fn seal(to: &RoomKeys, header: &InquiryHeader, content: &[u8]) -> (Vec<u8>, AnswerKey) {
    let published = to.public_keys();
    let to = published.sealing_current().unwrap();
    seal_request(to, &header.to_signed_bytes(), content).unwrap()
}

pub(super) fn sign(signer: &RoomKeys, header: InquiryHeader, sealed: Vec<u8>) -> BrokerInquiry {
    let signature = signer.sign(Purpose::Inquiry, &BrokerInquiry::signed_bytes(&header, &sealed));
    let signature = Base64Bytes(signature.to_bytes().to_vec());
    BrokerInquiry { header, sealed: Base64Bytes(sealed), signature }
}

/// What the broker says in its permit for exactly this inquiry.
pub(super) fn claims(inquiry: &BrokerInquiry) -> InquiryPermit {
    let BrokerInquiry { header, sealed, signature } = inquiry;
    let signed = BrokerInquiry::signed_bytes(header, &sealed.0);
    let now = now_unix_s();
    InquiryPermit {
        iss: PERMIT_ISSUER.to_owned(),
        aud: header.provider.to_string(),
        sub: header.inquirer,
        jti: uuid::Uuid::new_v4().to_string(),
        iat: now,
        nbf: now,
        exp: now + 30,
        inquiry: header.inquiry,
        message: sha256(&[signed.as_slice(), &signature.0].concat()).to_vec().into(),
    }
}

pub(super) fn permit(key: &EncodingKey, claims: &InquiryPermit) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, key).unwrap()
}

/// An inquiry with its permit, as the provider gets it.
pub(super) fn request(inquiry: BrokerInquiry, permit: String) -> ProvideRequest {
    let BrokerInquiry { header, sealed, signature } = inquiry;
    ProvideRequest { header, sealed, signature, permit }
}

/// Calls the provider with the broker's own certificate.
pub(super) async fn provide(
    world: &World,
    request: &ProvideRequest,
) -> Result<ProvideAnswer, CallError> {
    let broker = world.site.client("broker", ServiceKind::Partition).unwrap();
    broker.post(PROVIDE, &RequestId::make_random(), None, request).await
}
