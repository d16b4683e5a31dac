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
    let claims = jsonwebtoken::decode::<TokenClaims>(token, key, &validation()).ok()?.claims;
    // The binding (RFC 8705): a stolen token is worth nothing at another terminal.
    (claims.cnf.thumbprint.0 == thumbprint).then_some(claims)
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
