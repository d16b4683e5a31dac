use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use actix_web::web::{Data, Json, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{Purpose, SigningKey};
use domain::{
    Action, Clock as _, FixedClock, MunicipalityCode, OperatorId, Role, ServiceKind, SystemClock,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use service::config::RegistryConfig;
use service::health::{LIVE, METRICS, READY};
use service::pki::Authority;
use service::server::Running;
use service::{Body, Endpoint};
use wire::registry::{
    self as api, Confirmation, Directory, DirectoryEntry, PublishKeys, PublishedKey, Revocations,
    Signed, TOKEN_AUDIENCE, TOKEN_ISSUER, TokenClaims,
};

use super::{make_key, play, url};

static ENDPOINTS: &[Endpoint] = &[
    Endpoint::get(api::DIRECTORY, Action::ReadDirectory),
    Endpoint::get(api::REVOCATIONS, Action::ReadRevocations),
    Endpoint::post(api::KEYS, Action::PublishKeys),
    LIVE,
    READY,
    METRICS,
];

pub(crate) struct FakeRegistry {
    state: Arc<State>,
    running: Running,
}

struct State {
    key: SigningKey,
    token_key: SigningKey,
    clock: Arc<FixedClock>,
    /// The partition's address.
    host: Mutex<String>,
    published: Mutex<HashMap<MunicipalityCode, PublishKeys>>,
    /// Municipalities whose rooms are elsewhere, with their signing keys.
    others: Mutex<Vec<(MunicipalityCode, Vec<u8>)>>,
    suspended: Mutex<Vec<OperatorId>>,
}

impl FakeRegistry {
    pub(crate) fn start(authority: &Authority, clock: Arc<FixedClock>) -> Self {
        let state = Arc::new(State {
            key: make_key(),
            token_key: make_key(),
            clock,
            host: Mutex::default(),
            published: Mutex::default(),
            others: Mutex::default(),
            suspended: Mutex::default(),
        });
        let data = Data::from(Arc::clone(&state));
        let running = play(authority, ServiceKind::Registry, ENDPOINTS, move |app| {
            app.app_data(data.clone())
                .route(api::DIRECTORY, get().to(directory))
                .route(api::REVOCATIONS, get().to(revocations))
                .route(api::KEYS, post().to(publish));
        });
        Self { state, running }
    }

    pub(crate) fn config(&self) -> RegistryConfig {
        RegistryConfig {
            url: url(&self.running),
            directory_key: self.state.key.verifying_key().encode(),
            poll_ms: 50,
            stale_s_max: 30,
        }
    }

    pub(crate) fn host_at(&self, url: &str) {
        *self.state.host.lock().unwrap() = url.to_owned();
    }

    /// Takes an operator's rights away; the partition hears of it within its next rounds.
    pub(crate) fn suspend(&self, operator: &str) {
        self.state.suspended.lock().unwrap().push(OperatorId::parse(operator).unwrap());
    }

    /// How many rooms have published their keys.
    pub(crate) fn published(&self) -> usize {
        self.state.published.lock().unwrap().len()
    }

    /// All that a room has published.
    pub(crate) fn keys(&self, municipality: &str) -> PublishKeys {
        let code = MunicipalityCode::parse(municipality).unwrap();
        self.state.published.lock().unwrap()[&code].clone()
    }

    /// The public key with which a room signs.
    pub(crate) fn signing_key(&self, municipality: &str) -> crypto::VerifyingKey {
        let keys = self.keys(municipality).signing_keys;
        crypto::VerifyingKey::parse(&STANDARD.encode(&keys[0].key.0)).unwrap()
    }

    /// A municipality that another instance hosts takes part.
    pub(crate) fn join(&self, municipality: &str, key: &SigningKey) {
        let code = MunicipalityCode::parse(municipality).unwrap();
        let key = key.verifying_key().as_bytes().to_vec();
        self.state.others.lock().unwrap().push((code, key));
    }

    pub(crate) fn token(
        &self,
        municipality: MunicipalityCode,
        (role, operator): (Role, &str),
        thumbprint: &[u8],
    ) -> String {
        // The library that reads tokens looks at the clock on the wall, which goes on.
        let now = SystemClock.now().min(self.state.clock.now()).unix_timestamp();
        let claims = TokenClaims {
            iss: TOKEN_ISSUER.to_owned(),
            aud: TOKEN_AUDIENCE.to_owned(),
            sub: OperatorId::parse(operator).unwrap(),
            iat: now,
            nbf: now,
            exp: SystemClock.now().max(self.state.clock.now()).unix_timestamp() + 600,
            jti: uuid::Uuid::new_v4().to_string(),
            role,
            municipality: Some(municipality),
            cnf: Confirmation { thumbprint: thumbprint.to_vec().into() },
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some("1".to_owned());
        let pem = self.state.token_key.reveal_pem().unwrap();
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }
}

impl State {
    fn sign(&self, purpose: Purpose, document: &impl Serialize) -> Signed {
        let body = serde_json::to_string(document).unwrap();
        let signature = self.key.sign(purpose, body.as_bytes()).to_bytes().to_vec();
        Signed { body, signature: signature.into() }
    }
}

fn own_key(key: Vec<u8>) -> Vec<PublishedKey> {
    let (not_before_unix_s, not_after_unix_s) = (0, i64::MAX);
    vec![PublishedKey { id: 1, key: key.into(), not_before_unix_s, not_after_unix_s }]
}

async fn directory(state: Data<State>) -> Json<Signed> {
    let published = state.published.lock().unwrap().clone();
    let others = state.others.lock().unwrap().clone();
    let url = state.host.lock().unwrap().clone();
    let hosted = published.into_values().map(|keys| DirectoryEntry {
        municipality: keys.municipality,
        host: "p1".to_owned(),
        url: url.clone(),
        sealing_keys: keys.sealing_keys,
        signing_keys: keys.signing_keys,
    });
    let elsewhere = others.into_iter().map(|(municipality, key)| DirectoryEntry {
        municipality,
        host: "p2".to_owned(),
        url: "https://localhost:1".to_owned(),
        sealing_keys: Vec::new(),
        signing_keys: own_key(key),
    });
    let municipalities: Vec<_> = hosted.chain(elsewhere).collect();
    let issued_at_unix_s = state.clock.now().unix_timestamp();
    let directory = Directory {
        sequence: i64::try_from(municipalities.len()).unwrap(),
        issued_at_unix_s,
        expires_at_unix_s: issued_at_unix_s + 600,
        municipalities,
        token_keys: own_key(state.token_key.verifying_key().as_bytes().to_vec()),
    };
    Json(state.sign(Purpose::Directory, &directory))
}

async fn revocations(state: Data<State>) -> Json<Signed> {
    let issued_at_unix_s = state.clock.now().unix_timestamp();
    let operators = state.suspended.lock().unwrap().clone();
    let revocations = Revocations { issued_at_unix_s, operators, ..Revocations::default() };
    Json(state.sign(Purpose::Revocations, &revocations))
}

async fn publish(state: Data<State>, Body(keys): Body<PublishKeys>) -> Json<serde_json::Value> {
    state.published.lock().unwrap().insert(keys.municipality, keys);
    Json(serde_json::json!({}))
}
