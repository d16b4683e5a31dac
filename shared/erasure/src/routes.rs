//! The route table, and handlers that translate and call.

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint};
use utoipa::OpenApi;
use wire::Problem;
use wire::erasure as api;

use crate::{approve, close, hold, propose, read, rotate};

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::ERASURES, Action::ProposeErasure),
    Endpoint::post(api::ERASURES_READ, Action::ReadErasures),
    Endpoint::post(api::ERASURES_APPROVE, Action::ApproveErasure),
    Endpoint::post(api::ERASURES_HOLDS, Action::HoldErasure),
    Endpoint::post(api::ERASURES_HOLDS_LIFT, Action::HoldErasure),
    Endpoint::post(api::KEYS_ROTATE, Action::RotateKeys),
    Endpoint::post(api::ROOM_CLOSE, Action::CloseRoom),
];

pub fn configure(app: &mut ServiceConfig) {
    app.route(api::ERASURES, post().to(propose_erasure))
        .route(api::ERASURES_READ, post().to(read_erasures))
        .route(api::ERASURES_APPROVE, post().to(approve_erasure))
        .route(api::ERASURES_HOLDS, post().to(hold_erasure))
        .route(api::ERASURES_HOLDS_LIFT, post().to(lift_hold))
        .route(api::KEYS_ROTATE, post().to(rotate_keys))
        .route(api::ROOM_CLOSE, post().to(close_room));
}

#[derive(OpenApi)]
#[openapi(paths(
    propose_erasure,
    read_erasures,
    approve_erasure,
    hold_erasure,
    lift_hold,
    rotate_keys,
    close_room
))]
struct Api;

/// The OpenAPI description of these endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// Shows exactly what would be erased.
#[utoipa::path(post, path = api::ERASURES, tag = "erasure", request_body = api::ProposeErasure,
    responses((status = 200, body = api::Erasure), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn propose_erasure(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ProposeErasure>,
) -> Result<Json<api::Erasure>, ApiError> {
    let permit = own_room(&caller, Action::ProposeErasure)?;
    propose::propose(&host, permit, request).await.map(Json)
}

/// Reads what is proposed, what was erased, and what is held.
#[utoipa::path(post, path = api::ERASURES_READ, tag = "erasure", request_body = api::ReadErasures,
    responses((status = 200, body = api::Erasures), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_erasures(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ReadErasures>,
) -> Result<Json<api::Erasures>, ApiError> {
    let permit = own_room(&caller, Action::ReadErasures)?;
    read::read(&host, permit, request).await.map(Json)
}

/// Erases exactly what was shown, as the second of two persons.
#[utoipa::path(post, path = api::ERASURES_APPROVE, tag = "erasure", request_body = api::ApproveErasure,
    responses((status = 200, body = api::Erasure), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn approve_erasure(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ApproveErasure>,
) -> Result<Json<api::Erasure>, ApiError> {
    let permit = own_room(&caller, Action::ApproveErasure)?;
    approve::approve(&host, permit, request).await.map(Json)
}

/// Keeps a person's records, or a class of records, from being erased.
#[utoipa::path(post, path = api::ERASURES_HOLDS, tag = "erasure", request_body = api::ErasureHold,
    responses((status = 200, body = api::ErasureHold), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn hold_erasure(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ErasureHold>,
) -> Result<Json<api::ErasureHold>, ApiError> {
    let permit = own_room(&caller, Action::HoldErasure)?;
    hold::hold(&host, permit, request).await.map(Json)
}

/// Lets held records go again; nothing is erased by that.
#[utoipa::path(post, path = api::ERASURES_HOLDS_LIFT, tag = "erasure", request_body = api::LiftErasureHold,
    responses((status = 200, body = api::ErasureHold), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn lift_hold(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::LiftErasureHold>,
) -> Result<Json<api::ErasureHold>, ApiError> {
    let permit = own_room(&caller, Action::HoldErasure)?;
    hold::lift(&host, permit, request).await.map(Json)
}

/// Gives the room new data keys; sent again with the same id, tells how far that is.
#[utoipa::path(post, path = api::KEYS_ROTATE, tag = "erasure", request_body = api::RotateKeys,
    responses((status = 200, body = api::Rotation), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn rotate_keys(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::RotateKeys>,
) -> Result<Json<api::Rotation>, ApiError> {
    let permit = own_room(&caller, Action::RotateKeys)?;
    rotate::rotate(&host, permit, request).await.map(Json)
}

/// Ends the municipality's use of the platform when two supervisors have asked for it.
#[utoipa::path(post, path = api::ROOM_CLOSE, tag = "erasure", request_body = api::CloseRoom,
    responses((status = 200, body = api::RoomClosing), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn close_room(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::CloseRoom>,
) -> Result<Json<api::RoomClosing>, ApiError> {
    let permit = own_room(&caller, Action::CloseRoom)?;
    close::close(&host, permit, request).await.map(Json)
}
