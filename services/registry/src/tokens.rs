use crypto::SigningKey;
use domain::{MunicipalityCode, OperatorId, Role};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use service::server::StartError;
use service::{ApiError, problems};
use uuid::Uuid;
use wire::registry::{Confirmation, PublishedKey, TOKEN_AUDIENCE, TOKEN_ISSUER, TokenClaims};

use crate::{Limits, TokenKeyConfig};

/// A token's longest life: a day is the time suspended operators are listed as revoked.
const TOKEN_S_RANGE: std::ops::RangeInclusive<i64> = 10..=43_200;

/// Signs log-in tokens.
pub(crate) struct Tokens {
    signer: EncodingKey,
    header: Header,
    pub(crate) key: PublishedKey,
    life_s: i64,
}

/// For whom a token is, and which session it is.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) operator: OperatorId,
    pub(crate) role: Role,
    pub(crate) municipality: Option<MunicipalityCode>,
    pub(crate) session: Uuid,
    pub(crate) thumbprint: [u8; 32],
}

impl Tokens {
    pub(crate) fn load(config: &TokenKeyConfig, limits: &Limits) -> Result<Self, StartError> {
        let key = SigningKey::load(&config.file)?;
        let signer = EncodingKey::from_ed_pem(key.reveal_pem()?.as_bytes())
            .map_err(|_| crypto::CryptoError::Malformed)?;
        if !TOKEN_S_RANGE.contains(&limits.token_s_max) {
            return Err(StartError::Refused("token_s_max is 10 to 43200 seconds"));
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(config.id.to_string());
        let key = PublishedKey {
            id: config.id,
            key: key.verifying_key().as_bytes().to_vec().into(),
            not_before_unix_s: config.not_before_unix_s,
            not_after_unix_s: config.not_after_unix_s,
        };
        Ok(Self { signer, header, key, life_s: limits.token_s_max })
    }

    pub(crate) fn expiry(&self, now_unix_s: i64) -> i64 {
        now_unix_s.saturating_add(self.life_s)
    }

    /// A token from `now` on; none when the key's own time is over.
    pub(crate) fn issue(&self, subject: Subject, now_unix_s: i64) -> Result<String, ApiError> {
        if !self.key.is_valid_at(now_unix_s) {
            return Err(ApiError::new(&problems::UNAVAILABLE));
        }
        let claims = TokenClaims {
            iss: TOKEN_ISSUER.to_owned(),
            aud: TOKEN_AUDIENCE.to_owned(),
            sub: subject.operator,
            iat: now_unix_s,
            nbf: now_unix_s,
            exp: self.expiry(now_unix_s),
            jti: subject.session.to_string(),
            role: subject.role,
            municipality: subject.municipality,
            cnf: Confirmation { thumbprint: subject.thumbprint.to_vec().into() },
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signer)
            .map_err(|error| ApiError::caused(&problems::INTERNAL, error))
    }
}
