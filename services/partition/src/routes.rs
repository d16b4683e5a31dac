//! The route table, and handlers that translate and call.

use std::sync::LazyLock;

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::Action;
use room::own_room;
use service::{ApiError, Body, Caller, Endpoint, Recorder, health};
use utoipa::OpenApi;
use wire::Problem;
use wire::partition as api;

use crate::{
    disclose, find_inquiry, inspect, provide, reconcile, register, release, report, review,
    vaccinate,
};
use room::{Host, operation_log};

/// Every way in.
pub fn endpoints() -> &'static [Endpoint] {
    static ALL: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
        [
            OWN,
            asking::batch::routes::ENDPOINTS,
            captures::ENDPOINTS,
            imports::ENDPOINTS,
            records::ENDPOINTS,
            records::NOTICE_ENDPOINTS,
            erasure::ENDPOINTS,
            exports::ENDPOINTS,
        ]
        .concat()
    });
    &ALL
}

static OWN: &[Endpoint] = &[
    health::LIVE,
    health::READY,
    health::METRICS,
    Endpoint::post(api::SUBJECTS, Action::RegisterSubject),
    Endpoint::post(api::VACCINATIONS, Action::RegisterVaccination),
    Endpoint::post(api::INQUIRIES, Action::AskTransferIn),
    Endpoint::post(api::INQUIRIES_FIND, Action::ReadInquiry),
    Endpoint::post(api::PROVISIONS_LIST, Action::ReadProvisions),
    Endpoint::post(api::OPERATION_LOG_LIST, Action::ReadOperationLog),
    Endpoint::post(api::PROVIDE, Action::ProvideRecords),
    Endpoint::post(api::INSPECTIONS, Action::InspectOperations),
    Endpoint::post(api::INSPECTIONS_REPORT, Action::InspectOperations),
    Endpoint::post(api::OPERATORS_RELEASE, Action::ReleaseOperator),
    Endpoint::post(api::DISCLOSURES, Action::Disclose),
    Endpoint::post(api::RECONCILIATION_READ, Action::ReadReconciliation),
];

pub(crate) fn configure(app: &mut ServiceConfig, host: Data<Host>) {
    let recording = host.clone();
    let recorder = Recorder::new(move |ended| {
        let host = recording.clone();
        Box::pin(async move { operation_log::record(&host, ended).await })
    });
    app.app_data(host)
        .app_data(Data::new(recorder))
        .route(api::SUBJECTS, post().to(register_subject))
        .route(api::VACCINATIONS, post().to(register_vaccination))
        .route(api::INQUIRIES, post().to(ask_transfer_in))
        .route(api::INQUIRIES_FIND, post().to(read_inquiry))
        .route(api::PROVISIONS_LIST, post().to(read_provisions))
        .route(api::OPERATION_LOG_LIST, post().to(read_operation_log))
        .route(api::PROVIDE, post().to(provide_records))
        .route(api::INSPECTIONS, post().to(inspect_operations))
        .route(api::INSPECTIONS_REPORT, post().to(report_inspections))
        .route(api::OPERATORS_RELEASE, post().to(release_operator))
        .route(api::DISCLOSURES, post().to(disclose_provisions))
        .route(api::RECONCILIATION_READ, post().to(read_reconciliation))
        .configure(asking::batch::routes::configure)
        .configure(captures::configure)
        .configure(imports::configure)
        .configure(records::configure)
        .configure(erasure::configure)
        .configure(exports::configure);
}

#[derive(OpenApi)]
#[openapi(paths(
    register_subject,
    register_vaccination,
    ask_transfer_in,
    read_inquiry,
    read_provisions,
    read_operation_log,
    provide_records,
    inspect_operations,
    report_inspections,
    release_operator,
    disclose_provisions,
    read_reconciliation
))]
struct Api;

/// The OpenAPI description of this service's own endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    for other in [
        asking::batch::routes::openapi(),
        captures::openapi(),
        imports::openapi(),
        records::openapi(),
        erasure::openapi(),
        exports::openapi(),
    ] {
        api.merge(other);
    }
    api
}

/// Registers a person in the caller's own room.
#[utoipa::path(post, path = api::SUBJECTS, tag = "partition", request_body = api::RegisterSubject,
    responses((status = 200, body = api::SubjectRegistered), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn register_subject(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::RegisterSubject>,
) -> Result<Json<api::SubjectRegistered>, ApiError> {
    let permit = own_room(&caller, Action::RegisterSubject)?;
    register::register(&host, permit, request).await.map(Json)
}

/// Registers a dose of a person in the caller's own room.
#[utoipa::path(post, path = api::VACCINATIONS, tag = "partition", request_body = api::RegisterVaccination,
    responses((status = 200, body = api::VaccinationRegistered), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn register_vaccination(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::RegisterVaccination>,
) -> Result<Json<api::VaccinationRegistered>, ApiError> {
    let permit = own_room(&caller, Action::RegisterVaccination)?;
    vaccinate::vaccinate(&host, permit, request).await.map(Json)
}

/// Asks the municipality a person moved away from, and nobody else.
#[utoipa::path(post, path = api::INQUIRIES, tag = "partition", request_body = api::AskRequest,
    responses((status = 200, body = api::AskAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn ask_transfer_in(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::AskRequest>,
) -> Result<Json<api::AskAnswer>, ApiError> {
    let permit = own_room(&caller, Action::AskTransferIn)?;
    asking::ask::ask(&host, permit, request).await.map(Json)
}

/// Shows an answer again, until it is deleted.
#[utoipa::path(post, path = api::INQUIRIES_FIND, tag = "partition", request_body = api::FindInquiry,
    responses((status = 200, body = api::AskAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_inquiry(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::FindInquiry>,
) -> Result<Json<api::AskAnswer>, ApiError> {
    let permit = own_room(&caller, Action::ReadInquiry)?;
    find_inquiry::find_inquiry(&host, permit, request).await.map(Json)
}

/// Lists what the caller's own room has provided to others.
#[utoipa::path(post, path = api::PROVISIONS_LIST, tag = "partition", request_body = api::ListPage,
    responses((status = 200, body = api::Provisions), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_provisions(
    caller: Caller,
    host: Data<Host>,
    Body(page): Body<api::ListPage>,
) -> Result<Json<api::Provisions>, ApiError> {
    let permit = own_room(&caller, Action::ReadProvisions)?;
    review::provisions(&host, permit, page).await.map(Json)
}

/// Lists who did what in the caller's own room.
#[utoipa::path(post, path = api::OPERATION_LOG_LIST, tag = "partition", request_body = api::ListPage,
    responses((status = 200, body = api::OperationLog), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_operation_log(
    caller: Caller,
    host: Data<Host>,
    Body(page): Body<api::ListPage>,
) -> Result<Json<api::OperationLog>, ApiError> {
    let permit = own_room(&caller, Action::ReadOperationLog)?;
    review::operations(&host, permit, page).await.map(Json)
}

/// Answers another municipality's inquiry; called by the broker only.
#[utoipa::path(post, path = api::PROVIDE, tag = "partition", request_body = api::ProvideRequest,
    responses((status = 200, body = api::ProvideAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn provide_records(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ProvideRequest>,
) -> Result<Json<api::ProvideAnswer>, ApiError> {
    provide::provide(&host, &caller.context, request).await.map(Json)
}

/// Checks the caller's own operation log for misuse, now.
#[utoipa::path(post, path = api::INSPECTIONS, tag = "partition", request_body = api::InspectOperations,
    responses((status = 200, body = api::SignedInspection), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn inspect_operations(
    caller: Caller,
    host: Data<Host>,
    _request: Body<api::InspectOperations>,
) -> Result<Json<api::SignedInspection>, ApiError> {
    let permit = own_room(&caller, Action::InspectOperations)?;
    inspect::inspect(&host, permit).await.map(Json)
}

/// Shows a month's inspections of the caller's own room.
#[utoipa::path(post, path = api::INSPECTIONS_REPORT, tag = "partition", request_body = api::ReadReport,
    responses((status = 200, body = api::InspectionReport), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn report_inspections(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ReadReport>,
) -> Result<Json<api::InspectionReport>, ApiError> {
    let permit = own_room(&caller, Action::InspectOperations)?;
    report::report(&host, permit, request.month).await.map(Json)
}

/// Lets an operator of the caller's own municipality ask again.
#[utoipa::path(post, path = api::OPERATORS_RELEASE, tag = "partition", request_body = api::ReleaseOperator,
    responses((status = 200, body = api::ReleaseOperator), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn release_operator(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ReleaseOperator>,
) -> Result<Json<api::ReleaseOperator>, ApiError> {
    let permit = own_room(&caller, Action::ReleaseOperator)?;
    release::release(&host, permit, request).await.map(Json)
}

/// Tells a resident, through the supervisor, who received the person's records.
#[utoipa::path(post, path = api::DISCLOSURES, tag = "partition", request_body = api::Disclose,
    responses((status = 200, body = api::Disclosure), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn disclose_provisions(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::Disclose>,
) -> Result<Json<api::Disclosure>, ApiError> {
    let permit = own_room(&caller, Action::Disclose)?;
    disclose::disclose(&host, permit, request).await.map(Json)
}

/// Tells how the caller's own room and the provision log agree.
#[utoipa::path(post, path = api::RECONCILIATION_READ, tag = "partition", request_body = api::ReadReconciliation,
    responses((status = 200, body = api::Reconciliation), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_reconciliation(
    caller: Caller,
    host: Data<Host>,
    _request: Body<api::ReadReconciliation>,
) -> Result<Json<api::Reconciliation>, ApiError> {
    let permit = own_room(&caller, Action::ReadReconciliation)?;
    reconcile::read(&host, permit).await.map(Json)
}
