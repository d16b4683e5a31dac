//! Tokens that are almost right: each differs from one that counts in one thing.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto::SigningKey;
use domain::{Clock as _, SystemClock};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use service::pki::Authority;
use uuid::Uuid;
use wire::registry::{TOKEN_AUDIENCE, TOKEN_ISSUER};

use super::people::bearer;
use crate::support::World;

/// What the registry would sign for Koriyama's clerk.
fn claims(world: &World) -> Value {
    let now = SystemClock.now().unix_timestamp();
    json!({
        "iss": TOKEN_ISSUER,
        "aud": TOKEN_AUDIENCE,
        "sub": world.cast.koriyama.clerk.id,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": Uuid::new_v4(),
        "role": "clerk",
        "municipality": world.cast.koriyama.code,
        "cnf": { "x5t#S256": thumbprint(world, world.cast.koriyama.terminal().as_str()) },
    })
}

fn thumbprint(world: &World, holder: &str) -> String {
    let authority = Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
    STANDARD.encode(authority.issued(holder).unwrap().thumbprint)
}

fn header(algorithm: Algorithm, kid: Option<&str>) -> Header {
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = kid.map(str::to_owned);
    header
}

/// Signed with one of this installation's own keys.
fn signed(world: &World, key: &str, kid: Option<&str>, claims: &Value) -> String {
    let pem = fs::read(world.site.layout.keys().join(key)).unwrap();
    let key = EncodingKey::from_ed_pem(&pem).unwrap();
    jsonwebtoken::encode(&header(Algorithm::EdDSA, kid), claims, &key).unwrap()
}

fn by_registry(world: &World, claims: &Value) -> String {
    signed(world, "token.pem", Some("1"), claims)
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// Signed as the registry signs, with nothing wrong.
pub(super) fn flawless_token(world: &World) -> String {
    format!("Bearer {}", by_registry(world, &claims(world)))
}

/// What is wrong, and the header that is sent.
pub(super) async fn flawed_tokens(world: &World) -> Vec<(&'static str, String)> {
    let good = by_registry(world, &claims(world));
    let mut flaws = vec![
        ("no scheme", good.clone()),
        ("another scheme", format!("Basic {good}")),
        ("an empty token", "Bearer ".to_owned()),
        ("two tokens", format!("Bearer {good} {good}")),
        ("another terminal's token", bearer(&world.desk(&world.cast.adachi.clerk).await)),
        ("a national token", bearer(&world.desk(&world.cast.national).await)),
    ];
    let tokens = garbage(&good).into_iter().chain(other_signers(world)).chain(other_claims(world));
    flaws.extend(tokens.map(|(flaw, token)| (flaw, format!("Bearer {token}"))));
    flaws
}

fn garbage(good: &str) -> Vec<(&'static str, String)> {
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    vec![
        ("garbage", "garbage".to_owned()),
        ("garbage in three parts", "a.b.c".to_owned()),
        ("no signature", format!("{message}.")),
        ("two parts", message.to_owned()),
        ("a cut signature", format!("{message}.{}", &signature[..signature.len() - 4])),
        ("other claims under the signature", format!("{head}.{}.{signature}", part(&json!({})))),
        ("too long", format!("{good}{}", "A".repeat(4_000))),
    ]
}

fn other_signers(world: &World) -> Vec<(&'static str, String)> {
    let claims = claims(world);
    let folder = tempfile::tempdir().unwrap();
    let own = SigningKey::create(&folder.path().join("own.pem")).unwrap();
    let own = EncodingKey::from_ed_pem(own.reveal_pem().unwrap().as_bytes()).unwrap();
    let own_header = header(Algorithm::EdDSA, Some("1"));
    let public = SigningKey::load(&world.site.layout.keys().join("token.pem")).unwrap();
    let public = public.verifying_key();
    let symmetric = |secret: &[u8]| {
        let key = EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&header(Algorithm::HS256, Some("1")), &claims, &key).unwrap()
    };
    let unsigned = |algorithm: &str| {
        let head = part(&json!({ "alg": algorithm, "typ": "at+jwt", "kid": "1" }));
        format!("{head}.{}.", part(&claims))
    };
    vec![
        ("alg none", unsigned("none")),
        ("alg NONE", unsigned("NONE")),
        ("alg EdDSA without signature", unsigned("EdDSA")),
        ("HS256 with the public key", symmetric(public.as_bytes())),
        ("HS256 with the public key as text", symmetric(public.encode().as_bytes())),
        ("another key", jsonwebtoken::encode(&own_header, &claims, &own).unwrap()),
        ("the permit key", signed(world, "permit.pem", Some("1"), &claims)),
        ("the directory key", signed(world, "directory.pem", Some("1"), &claims)),
        ("no key id", signed(world, "token.pem", None, &claims)),
        ("an unknown key id", signed(world, "token.pem", Some("2"), &claims)),
        ("a key id that is a path", signed(world, "token.pem", Some("../1"), &claims)),
    ]
}

fn other_claims(world: &World) -> Vec<(&'static str, String)> {
    let now = SystemClock.now().unix_timestamp();
    let adachi = &world.cast.adachi;
    let with = |changes: Value| {
        let mut claims = claims(world);
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        by_registry(world, &claims)
    };
    let elsewhere = json!({ "x5t#S256": thumbprint(world, adachi.terminal().as_str()) });
    vec![
        ("wrong audience", with(json!({ "aud": "131211" }))),
        ("no audience", with(json!({ "aud": null }))),
        ("wrong issuer", with(json!({ "iss": "watari-broker" }))),
        ("no issuer", with(json!({ "iss": null }))),
        ("expired", with(json!({ "nbf": now - 600, "exp": now - 60 }))),
        ("no end", with(json!({ "exp": null }))),
        ("not yet valid", with(json!({ "nbf": now + 60, "exp": now + 600 }))),
        ("no beginning", with(json!({ "nbf": null }))),
        ("bound to another terminal", with(json!({ "cnf": elsewhere }))),
        ("bound to no terminal", with(json!({ "cnf": null }))),
        ("nobody", with(json!({ "sub": null }))),
        ("other municipality's operator", with(json!({ "municipality": adachi.code }))),
        ("a clerk of no municipality", with(json!({ "municipality": null }))),
        ("an unknown role", with(json!({ "role": "mayor" }))),
        ("a national role with a municipality", with(json!({ "role": "national" }))),
        (
            "a national role at a municipality's terminal",
            with(json!({ "role": "national", "municipality": null })),
        ),
    ]
}
