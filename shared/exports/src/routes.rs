//! The route table, and handlers that translate and call.

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint};
use utoipa::OpenApi;
use wire::Problem;
use wire::exports as api;

use crate::export::{self, Content};

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::EXPORTS_SUBJECTS, Action::ExportRecords),
    Endpoint::post(api::EXPORTS_DOSES, Action::ExportRecords),
];

pub fn configure(app: &mut ServiceConfig) {
    app.route(api::EXPORTS_SUBJECTS, post().to(export_subjects))
        .route(api::EXPORTS_DOSES, post().to(export_doses));
}

#[derive(OpenApi)]
#[openapi(paths(export_subjects, export_doses))]
struct Api;

/// The OpenAPI description of these endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// Writes a page of the file of persons, without individual numbers.
#[utoipa::path(post, path = api::EXPORTS_SUBJECTS, tag = "partition", request_body = api::ExportPage,
    responses((status = 200, body = api::Exported), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn export_subjects(
    caller: Caller,
    host: Data<Host>,
    Body(page): Body<api::ExportPage>,
) -> Result<Json<api::Exported>, ApiError> {
    let permit = own_room(&caller, Action::ExportRecords)?;
    export::export(&host, permit, (Content::Subjects, page)).await.map(Json)
}

/// Writes a page of the file of doses, without individual numbers.
#[utoipa::path(post, path = api::EXPORTS_DOSES, tag = "partition", request_body = api::ExportPage,
    responses((status = 200, body = api::Exported), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn export_doses(
    caller: Caller,
    host: Data<Host>,
    Body(page): Body<api::ExportPage>,
) -> Result<Json<api::Exported>, ApiError> {
    let permit = own_room(&caller, Action::ExportRecords)?;
    export::export(&host, permit, (Content::Doses, page)).await.map(Json)
}
