//! The endpoints and their handlers; the gate has let the caller in before any of these runs.

use actix_web::web::{Data, Json, ServiceConfig, get, post};
use domain::Action;
use service::{ApiError, Body, Caller, Endpoint, Recorder, health};
use utoipa::OpenApi;
use wire::Problem;
use wire::intake::{
    CAPTURES, CAPTURES_FETCH, CAPTURES_FORGET, Captures, CapturesAnswered, DEVICE_DIRECTORY,
    DEVICES_KEEP, FetchCaptures, ForgetCaptures, KeepDevices, SendCaptures,
};
use wire::registry::Signed;

use crate::intake::Intake;

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(CAPTURES, Action::SendCapture),
    Endpoint::get(DEVICE_DIRECTORY, Action::SendCapture),
    Endpoint::post(DEVICES_KEEP, Action::KeepDevices),
    Endpoint::post(CAPTURES_FETCH, Action::FetchCaptures),
    Endpoint::post(CAPTURES_FORGET, Action::FetchCaptures),
    health::LIVE,
    health::READY,
    health::METRICS,
];

pub(crate) fn configure(intake: Intake) -> impl Fn(&mut ServiceConfig) + Clone {
    let recording = intake.clone();
    let recorder = Data::new(Recorder::new(move |ended| {
        let intake = recording.clone();
        Box::pin(async move { intake.record(&ended).await })
    }));
    let intake = Data::new(intake);
    move |config| {
        config
            .app_data(intake.clone())
            .app_data(recorder.clone())
            .route(CAPTURES, post().to(send))
            .route(DEVICE_DIRECTORY, get().to(directory))
            .route(DEVICES_KEEP, post().to(keep_devices))
            .route(CAPTURES_FETCH, post().to(fetch))
            .route(CAPTURES_FORGET, post().to(forget));
    }
}

/// The API description (OpenAPI 3.1).
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(info(title = "Watari intake"), paths(send, directory, keep_devices, fetch, forget))]
struct Api;

/// Hand in what a venue's device captured; answered only once it is durable.
#[utoipa::path(
    post,
    path = CAPTURES,
    request_body = SendCaptures,
    responses(
        (status = 200, description = "What became of each capture", body = CapturesAnswered),
        (status = 403, description = "Not registered, or revoked", body = Problem),
        (status = 429, description = "Too many in a short time", body = Problem),
        (status = 503, description = "Nothing was kept, or it is not known", body = Problem),
    )
)]
async fn send(
    intake: Data<Intake>,
    caller: Caller,
    body: Body<SendCaptures>,
) -> Result<Json<CapturesAnswered>, ApiError> {
    intake.send(&caller, body.0).await.map(Json)
}

/// The registry's signed directory, for devices to find their municipality's key.
#[utoipa::path(
    get,
    path = DEVICE_DIRECTORY,
    responses(
        (status = 200, description = "Signed by the registry", body = Signed),
        (status = 503, description = "The registry does not answer", body = Problem),
    )
)]
async fn directory(intake: Data<Intake>, caller: Caller) -> Result<Json<Signed>, ApiError> {
    intake.relay_directory(&caller.context).await.map(Json)
}

/// Tell which devices a municipality has; for the partition that hosts it.
#[utoipa::path(
    post,
    path = DEVICES_KEEP,
    request_body = KeepDevices,
    responses(
        (status = 200, description = "Durable"),
        (status = 403, description = "Hosted elsewhere", body = Problem),
        (status = 409, description = "A name is known with another certificate", body = Problem),
    )
)]
async fn keep_devices(
    intake: Data<Intake>,
    caller: Caller,
    body: Body<KeepDevices>,
) -> Result<Json<()>, ApiError> {
    intake.keep_devices(&caller, body.0).await.map(Json)
}

/// Take a municipality's captures; they stay until they are to be forgotten.
#[utoipa::path(
    post,
    path = CAPTURES_FETCH,
    request_body = FetchCaptures,
    responses(
        (status = 200, description = "In the order of arrival", body = Captures),
        (status = 403, description = "Hosted elsewhere", body = Problem),
    )
)]
async fn fetch(
    intake: Data<Intake>,
    caller: Caller,
    body: Body<FetchCaptures>,
) -> Result<Json<Captures>, ApiError> {
    intake.fetch(&caller, body.0).await.map(Json)
}

/// Forget captures that the municipality has for good.
#[utoipa::path(
    post,
    path = CAPTURES_FORGET,
    request_body = ForgetCaptures,
    responses(
        (status = 200, description = "Gone"),
        (status = 403, description = "Hosted elsewhere", body = Problem),
    )
)]
async fn forget(
    intake: Data<Intake>,
    caller: Caller,
    body: Body<ForgetCaptures>,
) -> Result<Json<()>, ApiError> {
    intake.forget(&caller, body.0).await.map(Json)
}
