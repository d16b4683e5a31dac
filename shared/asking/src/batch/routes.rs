//! The way in to batches, and handlers that translate and call.

use actix_web::HttpResponse;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint};
use utoipa::OpenApi;
use wire::Problem;
use wire::batch as api;

use super::{Batches, results, start, status, upload};

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::BATCHES, Action::AskBatch),
    Endpoint::post(api::BATCHES_PARTS, Action::AskBatch),
    Endpoint::post(api::BATCHES_START, Action::AskBatch),
    Endpoint::post(api::BATCHES_CANCEL, Action::AskBatch),
    Endpoint::post(api::BATCHES_STATUS, Action::ReadBatch),
    Endpoint::post(api::BATCHES_RESULTS, Action::ReadBatch),
    Endpoint::post(api::BATCHES_FILE, Action::ReadBatch),
];

pub fn configure(app: &mut ServiceConfig) {
    app.route(api::BATCHES, post().to(announce_batch))
        .route(api::BATCHES_PARTS, post().to(keep_batch_part))
        .route(api::BATCHES_START, post().to(start_batch))
        .route(api::BATCHES_CANCEL, post().to(cancel_batch))
        .route(api::BATCHES_STATUS, post().to(read_batch_status))
        .route(api::BATCHES_RESULTS, post().to(read_batch_results))
        .route(api::BATCHES_FILE, post().to(read_batch_file));
}

#[derive(OpenApi)]
#[openapi(paths(
    announce_batch,
    keep_batch_part,
    start_batch,
    cancel_batch,
    read_batch_status,
    read_batch_results,
    read_batch_file
))]
struct Api;

/// The OpenAPI description of these endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// Announces a file of inquiries.
#[utoipa::path(post, path = api::BATCHES, tag = "partition", request_body = api::CreateBatch,
    responses((status = 200, body = api::NameBatch), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn announce_batch(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::CreateBatch>,
) -> Result<Json<api::NameBatch>, ApiError> {
    let permit = own_room(&caller, Action::AskBatch)?;
    upload::create(&host, permit, request).await.map(Json)
}

/// Takes a part of the file.
#[utoipa::path(post, path = api::BATCHES_PARTS, tag = "partition", request_body = api::BatchPart,
    responses((status = 200, body = api::NameBatch), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn keep_batch_part(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::BatchPart>,
) -> Result<Json<api::NameBatch>, ApiError> {
    let permit = own_room(&caller, Action::AskBatch)?;
    upload::part(&host, permit, request).await.map(Json)
}

/// Checks the file and has its rows asked; the answer says how the batch stands.
#[utoipa::path(post, path = api::BATCHES_START, tag = "partition", request_body = api::StartBatch,
    responses((status = 202, body = api::BatchStatus), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn start_batch(
    caller: Caller,
    host: Data<Host>,
    batches: Data<Batches>,
    Body(request): Body<api::StartBatch>,
) -> Result<HttpResponse, ApiError> {
    let permit = own_room(&caller, Action::AskBatch)?;
    let status = start::start(&host, &batches, permit, request).await?;
    let again_s = status::again_s(&status).to_string();
    Ok(HttpResponse::Accepted().insert_header((RETRY_AFTER, again_s)).json(status))
}

/// Stops a batch for good.
#[utoipa::path(post, path = api::BATCHES_CANCEL, tag = "partition", request_body = api::NameBatch,
    responses((status = 200, body = api::NameBatch), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn cancel_batch(
    caller: Caller,
    host: Data<Host>,
    batches: Data<Batches>,
    Body(request): Body<api::NameBatch>,
) -> Result<Json<api::NameBatch>, ApiError> {
    let permit = own_room(&caller, Action::AskBatch)?;
    upload::cancel(&host, &batches, permit, request).await.map(Json)
}

/// Tells how a batch stands.
#[utoipa::path(post, path = api::BATCHES_STATUS, tag = "partition", request_body = api::NameBatch,
    responses((status = 200, body = api::BatchStatus), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_batch_status(
    caller: Caller,
    host: Data<Host>,
    batches: Data<Batches>,
    Body(request): Body<api::NameBatch>,
) -> Result<HttpResponse, ApiError> {
    let permit = own_room(&caller, Action::ReadBatch)?;
    let status = status::read(&host, &batches, permit, request).await?;
    let again_s = status::again_s(&status).to_string();
    Ok(HttpResponse::Ok().insert_header((RETRY_AFTER, again_s)).json(status))
}

/// Shows a page of results, in the order of the file.
#[utoipa::path(post, path = api::BATCHES_RESULTS, tag = "partition", request_body = api::ReadResults,
    responses((status = 200, body = api::BatchResults), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_batch_results(
    caller: Caller,
    host: Data<Host>,
    batches: Data<Batches>,
    Body(request): Body<api::ReadResults>,
) -> Result<Json<api::BatchResults>, ApiError> {
    let permit = own_room(&caller, Action::ReadBatch)?;
    results::results(&host, &batches, permit, request).await.map(Json)
}

/// Writes a page of the result file, without individual numbers.
#[utoipa::path(post, path = api::BATCHES_FILE, tag = "partition", request_body = api::ReadResults,
    responses((status = 200, body = api::BatchFile), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_batch_file(
    caller: Caller,
    host: Data<Host>,
    batches: Data<Batches>,
    Body(request): Body<api::ReadResults>,
) -> Result<Json<api::BatchFile>, ApiError> {
    let permit = own_room(&caller, Action::ReadBatch)?;
    results::file(&host, &batches, permit, request).await.map(Json)
}
