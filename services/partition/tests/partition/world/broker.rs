use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use actix_web::web::{Data, Json, post};
use crypto::sha256;
use domain::{Action, Clock as _, MunicipalityCode, RequestId, ServiceKind, SystemClock};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use service::health::{LIVE, METRICS, READY};
use service::pki::Authority;
use service::problems::ProblemKind;
use service::server::Running;
use service::{ApiError, Body, Endpoint, problems};
use tokio::sync::Semaphore;
use wire::Client;
use wire::broker::{
    BATCH_INQUIRIES, BrokerAnswer, BrokerInquiry, INQUIRIES, InquiryPermit, PERMIT_ISSUER,
};
use wire::partition::{PROVIDE, ProvideAnswer, ProvideRequest};
use wire::provision_log::{End, Entry};

use super::log::FakeLog;
use super::{make_key, play, url};

static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(INQUIRIES, Action::RouteInquiry),
    Endpoint::post(BATCH_INQUIRIES, Action::RouteInquiry),
    LIVE,
    READY,
    METRICS,
];

/// Where the played broker loses an inquiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loses {
    Nothing,
    /// The answer is there, the log does not hear of it.
    BeforeLog,
    /// It is in the log, the asker does not hear of it.
    BeforeAsker,
    /// Nothing but time.
    Time,
}

/// Asks the one partition there is, and has the log write down how it ended.
pub(crate) struct FakeBroker {
    pub(crate) url: String,
    pub(crate) permit_key: String,
    state: Arc<State>,
    _running: Running,
}

struct State {
    key: EncodingKey,
    log: FakeLog,
    partition: Mutex<Option<Client>>,
    loses: Mutex<Loses>,
    /// Sources that do not answer to rows of batches.
    silent: Mutex<HashSet<MunicipalityCode>>,
    /// What rows of batches hear instead of an answer.
    refuses: Mutex<Option<&'static ProblemKind>>,
    /// Who asked by a batch, in order.
    asked: Mutex<Vec<MunicipalityCode>>,
    /// Rows of batches wait here.
    gate: Semaphore,
}

impl FakeBroker {
    pub(crate) fn start(authority: &Authority, log: FakeLog) -> Self {
        let key = make_key();
        let state = Arc::new(State {
            key: EncodingKey::from_ed_pem(key.reveal_pem().unwrap().as_bytes()).unwrap(),
            log,
            partition: Mutex::default(),
            loses: Mutex::new(Loses::Nothing),
            silent: Mutex::default(),
            refuses: Mutex::default(),
            asked: Mutex::default(),
            gate: Semaphore::new(OPEN),
        });
        let data = Data::from(Arc::clone(&state));
        let running = play(authority, ServiceKind::Broker, ENDPOINTS, move |app| {
            app.app_data(data.clone())
                .route(INQUIRIES, post().to(route))
                .route(BATCH_INQUIRIES, post().to(route_batch));
        });
        let permit_key = key.verifying_key().encode();
        Self { url: url(&running), permit_key, state, _running: running }
    }

    pub(crate) fn provide_at(&self, client: &Client) {
        *self.state.partition.lock().unwrap() = Some(client.clone());
    }

    /// Whether the source answers to rows of batches.
    pub(crate) fn answers(&self, source: &str, answers: bool) {
        let source = MunicipalityCode::parse(source).unwrap();
        let mut silent = self.state.silent.lock().unwrap();
        if answers {
            silent.remove(&source)
        } else {
            silent.insert(source)
        };
    }

    /// What is wrong with every row of a batch, if anything is.
    pub(crate) fn refuse(&self, kind: Option<&'static ProblemKind>) {
        *self.state.refuses.lock().unwrap() = kind;
    }

    /// Lets no row of a batch through until it is opened again.
    pub(crate) fn close(&self) {
        self.state.gate.forget_permits(OPEN);
    }

    pub(crate) fn open(&self) {
        self.state.gate.add_permits(OPEN);
    }

    /// Who has asked by a batch, in order.
    pub(crate) fn batch_askers(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    pub(crate) fn lose(&self, loses: Loses) {
        *self.state.loses.lock().unwrap() = loses;
    }
}

/// As many as never come at once.
const OPEN: usize = 10_000;

async fn route_batch(
    state: Data<State>,
    body: Body<BrokerInquiry>,
) -> Result<Json<BrokerAnswer>, ApiError> {
    let header = &body.0.header;
    state.asked.lock().unwrap().push(header.inquirer);
    let _place = state.gate.acquire().await.unwrap();
    if let Some(kind) = *state.refuses.lock().unwrap() {
        return Err(ApiError::new(kind));
    }
    if state.silent.lock().unwrap().contains(&header.provider) {
        return Err(ApiError::new(&problems::inquiry::SOURCE_UNAVAILABLE));
    }
    route(state.clone(), body).await
}

async fn route(
    state: Data<State>,
    Body(inquiry): Body<BrokerInquiry>,
) -> Result<Json<BrokerAnswer>, ApiError> {
    let lost = || ApiError::new(&problems::UNAVAILABLE);
    let BrokerInquiry { header, sealed, signature } = inquiry;
    let message = [BrokerInquiry::signed_bytes(&header, &sealed.0), signature.0.clone()].concat();
    let now = SystemClock.now().unix_timestamp();
    let claims = InquiryPermit {
        iss: PERMIT_ISSUER.to_owned(),
        aud: header.provider.to_string(),
        sub: header.inquirer,
        jti: uuid::Uuid::new_v4().to_string(),
        iat: now,
        nbf: now,
        exp: now + 30,
        inquiry: header.inquiry,
        message: sha256(&message).to_vec().into(),
    };
    let permit = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &state.key);
    let sent =
        ProvideRequest { header: header.clone(), sealed, signature, permit: permit.unwrap() };
    let client = state.partition.lock().unwrap().clone().unwrap();
    let answer: Result<ProvideAnswer, _> =
        client.post(PROVIDE, &RequestId::make_random(), None, &sent).await;
    let answer = answer.map_err(|_| lost())?;
    let loses = *state.loses.lock().unwrap();
    if loses == Loses::BeforeLog {
        return Err(lost());
    }
    let end = answer.commitment.map_or_else(End::nothing, End::provided);
    let receipt = state.log.append(&Entry::of(&header, claims.jti, end, now * 1_000));
    if loses == Loses::Time {
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    }
    if loses == Loses::BeforeAsker {
        return Err(lost());
    }
    Ok(Json(BrokerAnswer { routed: true, sealed: answer.sealed, receipt }))
}
