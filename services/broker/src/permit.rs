use std::path::Path;

use crypto::{SigningKey, sha256};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use service::server::StartError;
use service::{ApiError, problems};
use wire::broker::{InquiryPermit, PERMIT_ISSUER};

use crate::state::Attempt;

/// The key that signs permits, prepared once.
#[derive(Debug)]
pub(crate) struct PermitKey {
    key: EncodingKey,
    valid_s: u32,
}

impl PermitKey {
    pub(crate) fn load(file: &Path, valid_s: u32) -> Result<Self, StartError> {
        Self::new(&SigningKey::load(file)?, valid_s)
    }

    fn new(key: &SigningKey, valid_s: u32) -> Result<Self, StartError> {
        let key = EncodingKey::from_ed_pem(key.reveal_pem()?.as_bytes())
            .map_err(|_| StartError::Refused("the permit key can't sign tokens"))?;
        Ok(Self { key, valid_s })
    }

    /// Issues 情報提供許可証: fits this message only, at this provider only, for seconds only.
    pub(crate) fn issue(&self, attempt: &Attempt, now_unix_s: i64) -> Result<String, ApiError> {
        let header = &attempt.inquiry.header;
        let message = [attempt.signed_bytes.as_slice(), &attempt.inquiry.signature.0].concat();
        let claims = InquiryPermit {
            iss: PERMIT_ISSUER.to_owned(),
            aud: header.provider.to_string(),
            sub: header.inquirer,
            jti: attempt.permit_id.clone(),
            iat: now_unix_s,
            nbf: now_unix_s,
            exp: now_unix_s.saturating_add(i64::from(self.valid_s)),
            inquiry: header.inquiry,
            message: sha256(&message).to_vec().into(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.key)
            .map_err(|error| ApiError::caused(&problems::INTERNAL, error))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;
    use crate::state::tests::attempt;

    #[test]
    fn a_permit_names_one_message_one_provider_and_a_short_time() {
        let key = SigningKey::make_random().unwrap();
        let attempt = attempt(&key);
        let token = PermitKey::new(&key, 30).unwrap().issue(&attempt, 1_000).unwrap();

        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["131211"]);
        validation.set_issuer(&[PERMIT_ISSUER]);
        validation.validate_exp = false;
        let verifier = DecodingKey::from_ed_der(key.verifying_key().as_bytes());
        let decoded = jsonwebtoken::decode::<InquiryPermit>(&token, &verifier, &validation);
        let inquiry = &attempt.inquiry;
        let message = [attempt.signed_bytes.as_slice(), &inquiry.signature.0].concat();
        let want = InquiryPermit {
            iss: "watari-broker".to_owned(),
            aud: "131211".to_owned(),
            sub: inquiry.header.inquirer,
            jti: attempt.permit_id.clone(),
            iat: 1_000,
            nbf: 1_000,
            exp: 1_030,
            inquiry: inquiry.header.inquiry,
            message: sha256(&message).to_vec().into(),
        };
        assert_eq!(decoded.unwrap().claims, want);
    }
}
