//! The route table, and handlers that translate and call.

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint};
use utoipa::OpenApi;
use wire::Problem;
use wire::imports as api;
use wire::quarantine as desk;

use crate::{approve, begin, discard, open, quarantine_decide, quarantine_list, read, send};

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::IMPORTS, Action::PrepareImport),
    Endpoint::post(api::IMPORTS_PARTS, Action::PrepareImport),
    Endpoint::post(api::IMPORTS_CHECK, Action::PrepareImport),
    Endpoint::post(api::IMPORTS_READ, Action::PrepareImport),
    Endpoint::post(api::IMPORTS_LIST, Action::PrepareImport),
    Endpoint::post(api::IMPORTS_PROBLEMS, Action::PrepareImport),
    Endpoint::post(api::IMPORTS_APPROVE, Action::ApproveImport),
    Endpoint::post(api::IMPORTS_DISCARD, Action::ApproveImport),
    Endpoint::post(desk::QUARANTINE_LIST, Action::ReadQuarantine),
    Endpoint::post(desk::QUARANTINE_DECIDE, Action::DecideQuarantine),
];

pub fn configure(app: &mut ServiceConfig) {
    app.route(api::IMPORTS, post().to(open_import))
        .route(api::IMPORTS_PARTS, post().to(send_part))
        .route(api::IMPORTS_CHECK, post().to(check_import))
        .route(api::IMPORTS_READ, post().to(read_import))
        .route(api::IMPORTS_LIST, post().to(list_imports))
        .route(api::IMPORTS_PROBLEMS, post().to(read_problems))
        .route(api::IMPORTS_APPROVE, post().to(approve_import))
        .route(api::IMPORTS_DISCARD, post().to(discard_import))
        .route(desk::QUARANTINE_LIST, post().to(list_quarantine))
        .route(desk::QUARANTINE_DECIDE, post().to(decide_quarantine));
}

#[derive(OpenApi)]
#[openapi(paths(
    open_import,
    send_part,
    check_import,
    read_import,
    list_imports,
    read_problems,
    approve_import,
    discard_import,
    list_quarantine,
    decide_quarantine
))]
struct Api;

/// The OpenAPI description of these endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// Announces a file for the caller's own room.
#[utoipa::path(post, path = api::IMPORTS, tag = "imports", request_body = api::OpenImport,
    responses((status = 200, body = api::ImportState), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn open_import(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::OpenImport>,
) -> Result<Json<api::ImportState>, ApiError> {
    let permit = own_room(&caller, Action::PrepareImport)?;
    open::open(&host, permit, request).await.map(Json)
}

/// Takes one part of an announced file.
#[utoipa::path(post, path = api::IMPORTS_PARTS, tag = "imports", request_body = api::SendPart,
    responses((status = 200, body = api::ImportState), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn send_part(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::SendPart>,
) -> Result<Json<api::ImportState>, ApiError> {
    let permit = own_room(&caller, Action::PrepareImport)?;
    send::send(&host, permit, request).await.map(Json)
}

/// Has a file checked against the register; read the import to see how far that has come.
#[utoipa::path(post, path = api::IMPORTS_CHECK, tag = "imports", request_body = api::NameImport,
    responses((status = 200, body = api::ImportState), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn check_import(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::NameImport>,
) -> Result<Json<api::ImportState>, ApiError> {
    let permit = own_room(&caller, Action::PrepareImport)?;
    begin::begin(&host, permit, request.import).await.map(Json)
}

/// Shows how a file stands: counts, differences, problems and the preview's digest.
#[utoipa::path(post, path = api::IMPORTS_READ, tag = "imports", request_body = api::NameImport,
    responses((status = 200, body = api::ImportState), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_import(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::NameImport>,
) -> Result<Json<api::ImportState>, ApiError> {
    let permit = own_room(&caller, Action::PrepareImport)?;
    read::read(&host, permit, request.import).await.map(Json)
}

/// Lists the newest imports of the caller's own room.
#[utoipa::path(post, path = api::IMPORTS_LIST, tag = "imports", request_body = api::ListImports,
    responses((status = 200, body = api::Imports), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn list_imports(
    caller: Caller,
    host: Data<Host>,
    _request: Body<api::ListImports>,
) -> Result<Json<api::Imports>, ApiError> {
    let permit = own_room(&caller, Action::PrepareImport)?;
    read::list(&host, permit).await.map(Json)
}

/// Gives back the rows that can't be used, or that differ, by line, column and reason.
#[utoipa::path(post, path = api::IMPORTS_PROBLEMS, tag = "imports", request_body = api::ReadProblems,
    responses((status = 200, body = api::Problems), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_problems(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ReadProblems>,
) -> Result<Json<api::Problems>, ApiError> {
    let permit = own_room(&caller, Action::PrepareImport)?;
    read::problems(&host, permit, request).await.map(Json)
}

/// A second person lets exactly what was previewed into the register.
#[utoipa::path(post, path = api::IMPORTS_APPROVE, tag = "imports", request_body = api::ApproveImport,
    responses((status = 200, body = api::ImportState), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn approve_import(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ApproveImport>,
) -> Result<Json<api::ImportState>, ApiError> {
    let permit = own_room(&caller, Action::ApproveImport)?;
    approve::approve(&host, permit, request).await.map(Json)
}

/// Throws a file away, whatever its check has found.
#[utoipa::path(post, path = api::IMPORTS_DISCARD, tag = "imports", request_body = api::NameImport,
    responses((status = 200, body = api::ImportState), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn discard_import(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::NameImport>,
) -> Result<Json<api::ImportState>, ApiError> {
    let permit = own_room(&caller, Action::ApproveImport)?;
    discard::discard(&host, permit, request.import).await.map(Json)
}

/// Lists the doubtful rows of the caller's own room.
#[utoipa::path(post, path = desk::QUARANTINE_LIST, tag = "imports", request_body = desk::ListQuarantine,
    responses((status = 200, body = desk::QuarantineRows), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn list_quarantine(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<desk::ListQuarantine>,
) -> Result<Json<desk::QuarantineRows>, ApiError> {
    let permit = own_room(&caller, Action::ReadQuarantine)?;
    quarantine_list::list(&host, permit, request).await.map(Json)
}

/// Takes a doubtful row into the caller's own register, or drops it with the reason.
#[utoipa::path(post, path = desk::QUARANTINE_DECIDE, tag = "imports", request_body = desk::DecideQuarantine,
    responses((status = 200, body = desk::QuarantineDecided), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn decide_quarantine(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<desk::DecideQuarantine>,
) -> Result<Json<desk::QuarantineDecided>, ApiError> {
    let permit = own_room(&caller, Action::DecideQuarantine)?;
    quarantine_decide::decide(&host, permit, request).await.map(Json)
}
