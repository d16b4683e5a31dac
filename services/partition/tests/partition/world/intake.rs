use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::web::{Data, Json, post};
use domain::{Action, MunicipalityCode, ServiceKind, TerminalId};
use service::health::{LIVE, METRICS, READY};
use service::pki::Authority;
use service::server::Running;
use service::{ApiError, Body, Endpoint, problems};
use uuid::Uuid;
use wire::intake::{
    CAPTURES_FETCH, CAPTURES_FORGET, Captures, DEVICES_KEEP, FetchCaptures, ForgetCaptures,
    KeepDevices, WaitingCapture,
};

use super::{play, url};

static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(CAPTURES_FETCH, Action::FetchCaptures),
    Endpoint::post(CAPTURES_FORGET, Action::FetchCaptures),
    Endpoint::post(DEVICES_KEEP, Action::KeepDevices),
    LIVE,
    READY,
    METRICS,
];

/// An intake that has nothing, or never runs out.
pub(crate) struct FakeIntake {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    _running: Running,
}

#[derive(Default)]
pub(crate) struct State {
    /// Every page is full, of captures of a device that nobody registered.
    pub(crate) is_endless: bool,
    pub(crate) is_away: bool,
    /// Known there with another certificate.
    pub(crate) other: Option<TerminalId>,
    /// Whose captures were asked for, in order.
    pub(crate) fetched: Vec<MunicipalityCode>,
    /// Devices it was told of, also while it was away, and whether they are revoked.
    pub(crate) told: Vec<(TerminalId, bool)>,
}

impl FakeIntake {
    pub(crate) fn start(authority: &Authority) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let data = Data::from(Arc::clone(&state));
        let running = play(authority, ServiceKind::Intake, ENDPOINTS, move |app| {
            app.app_data(data.clone())
                .route(CAPTURES_FETCH, post().to(fetch))
                .route(CAPTURES_FORGET, post().to(forget))
                .route(DEVICES_KEEP, post().to(keep));
        });
        Self { url: url(&running), state, _running: running }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

async fn fetch(
    state: Data<Mutex<State>>,
    Body(wanted): Body<FetchCaptures>,
) -> Result<Json<Captures>, ApiError> {
    let mut state = state.lock().unwrap();
    if state.is_away {
        return Err(ApiError::new(&problems::UNAVAILABLE));
    }
    state.fetched.push(wanted.municipality);
    let capture = |nth: u16| WaitingCapture {
        device: TerminalId::parse("tablet-of-nobody").unwrap(),
        id: Uuid::new_v4(),
        sequence: wanted.after + u64::from(nth),
        sealed: vec![1].into(),
        received_at_unix_ms: 1,
    };
    let count = if state.is_endless { wanted.limit } else { 0 };
    Ok(Json(Captures { captures: (1..=count).map(capture).collect() }))
}

async fn forget(_: Body<ForgetCaptures>) -> Json<()> {
    Json(())
}

async fn keep(
    state: Data<Mutex<State>>,
    Body(told): Body<KeepDevices>,
) -> Result<Json<()>, ApiError> {
    let mut state = state.lock().unwrap();
    if told.devices.iter().any(|one| Some(&one.device) == state.other.as_ref()) {
        return Err(ApiError::new(&problems::CONFLICT));
    }
    state.told.extend(told.devices.into_iter().map(|one| (one.device, one.revoked)));
    if state.is_away {
        return Err(ApiError::new(&problems::UNAVAILABLE));
    }
    Ok(Json(()))
}
