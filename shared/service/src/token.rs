//! Log-in tokens: EdDSA JWTs of the registry, bound to the terminal's certificate.

use jsonwebtoken::{Algorithm, Validation};
use wire::registry::{TOKEN_AUDIENCE, TOKEN_ISSUER, TokenClaims};

use crate::Directory;

/// How far clocks of two machines may differ.
pub const LEEWAY_S: u64 = 5;
/// Longest token we look at.
const TOKEN_BYTES_MAX: usize = 2_048;

/// Verifies signature, issuer, audience, times and the binding to the caller's certificate.
///
/// The header's key id only selects among the registry's keys; every refusal is the same `None`.
pub fn verify(
    token: &str,
    directory: &Directory,
    thumbprint: &[u8],
    now_unix_s: i64,
) -> Option<TokenClaims> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let kid: u32 = header.kid?.parse().ok()?;
    let key = directory.token_key(kid, now_unix_s)?;
    let digest = crypto::sha256(token.as_bytes());
    let claims = match directory.verified_token(&digest) {
        Some(claims) => claims,
        None => {
            let decoded = jsonwebtoken::decode::<TokenClaims>(token, key, &validation());
            let claims = decoded.ok()?.claims;
            directory.remember_token(digest, &claims);
            claims
        }
    };
    if !is_in_time(&claims, now_unix_s) {
        return None;
    }
    // The binding (RFC 8705): a stolen token is worth nothing at another terminal.
    (claims.cnf.thumbprint.0 == thumbprint).then_some(claims)
}

/// A signature stays good; the time goes on.
fn is_in_time(claims: &TokenClaims, now_unix_s: i64) -> bool {
    let leeway_s = i64::try_from(LEEWAY_S).unwrap_or(0);
    claims.nbf <= now_unix_s.saturating_add(leeway_s)
        && now_unix_s < claims.exp.saturating_add(leeway_s)
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_audience(&[TOKEN_AUDIENCE]);
    validation.set_issuer(&[TOKEN_ISSUER]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation
}
