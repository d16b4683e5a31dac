//! The endpoints for venue devices: a supervisor's, at the own municipality's partition.

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint};
use utoipa::OpenApi;
use wire::Problem;
use wire::devices as api;

use crate::devices;

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::DEVICES, Action::ManageDevices),
    Endpoint::post(api::DEVICES_REVOKE, Action::ManageDevices),
    Endpoint::post(api::DEVICES_LIST, Action::ManageDevices),
];

pub fn configure(app: &mut ServiceConfig) {
    app.route(api::DEVICES, post().to(register_device))
        .route(api::DEVICES_REVOKE, post().to(revoke_device))
        .route(api::DEVICES_LIST, post().to(list_devices));
}

#[derive(OpenApi)]
#[openapi(paths(register_device, revoke_device, list_devices))]
struct Api;

pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// Registers a venue's device for the caller's own municipality.
#[utoipa::path(post, path = api::DEVICES, tag = "partition", request_body = api::RegisterDevice,
    responses((status = 200, description = "Durable; the intake hears of it within seconds"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn register_device(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::RegisterDevice>,
) -> Result<Json<()>, ApiError> {
    let permit = own_room(&caller, Action::ManageDevices)?;
    devices::register(&host, permit, request).await.map(Json)
}

/// Revokes a device for good.
#[utoipa::path(post, path = api::DEVICES_REVOKE, tag = "partition", request_body = api::RevokeDevice,
    responses((status = 200, description = "Durable; the intake hears of it within seconds"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn revoke_device(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::RevokeDevice>,
) -> Result<Json<()>, ApiError> {
    let permit = own_room(&caller, Action::ManageDevices)?;
    devices::revoke(&host, permit, request).await.map(Json)
}

/// Lists the own municipality's devices.
#[utoipa::path(post, path = api::DEVICES_LIST, tag = "partition", request_body = api::ListDevices,
    responses((status = 200, body = api::Devices), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn list_devices(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ListDevices>,
) -> Result<Json<api::Devices>, ApiError> {
    let permit = own_room(&caller, Action::ManageDevices)?;
    devices::list(&host, permit, request).await.map(Json)
}
